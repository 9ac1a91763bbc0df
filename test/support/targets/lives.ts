import { eventuallyTrue } from '../harness-wait';
import { type Counterpart, Life } from './life';

const LONG = 180_000;

/**
 * Tests of the life of a request on a real target, by command line: refused before, works after the approval, refused after each
 * way in which it can end.
 *
 * @param more tests of this kind alone, with the same programs
 */
export function livesOnTarget(
  kind: string,
  counterpart: () => Counterpart,
  more: (life: () => Life) => void = () => undefined,
): void {
  describe(`TGT-2 EMG-2 FRI-2 the life of a request by command line: ${kind}`, () => {
    let life: Life;
    beforeAll(async () => {
      life = await Life.start(counterpart());
    }, LONG);
    afterAll(() => life?.stop());

    /** A command that uses the access once and then lasts. */
    const holding = () => `${counterpart().command ?? 'true'}; sleep 120`;
    const becomes = (works: boolean) =>
      eventuallyTrue(`it ${works ? 'works' : 'is refused'}`, async () => (await life.works()) === works);

    test(
      'refused before, works for a command after the approval, refused after it',
      async () => {
        expect(await life.works()).toBe(false);
        const { command } = counterpart();
        const run = life.run(`${command ?? 'sleep 5'} && echo "it worked"; exit 7`, '5m');
        await life.idOf(run);
        expect(await life.works()).toBe(false);
        await life.approve(run);
        if (command === undefined) await becomes(true);
        expect({ code: await run.exit, ...run.said }).toMatchObject({ code: 7, out: 'it worked\n' });
        expect(run.said.err).toContain('no access is left');
        await becomes(false);
      },
      LONG,
    );

    test(
      'an early end: an owner takes it back while the command runs',
      async () => {
        const run = life.run(holding(), '5m');
        const id = await life.approve(run);
        await becomes(true);
        await life.say('revoke', id);
        await becomes(false);
        expect(await run.exit).toBe(143);
        expect(run.said.err).toContain('the grant has ended');
      },
      LONG,
    );

    test(
      'its end passes while the worker is dead: the command ends by itself, and the next worker ends the access',
      async () => {
        const run = life.run(holding(), '12s');
        await life.approve(run);
        await becomes(true);
        await life.killWorker();
        const hasEnded = async () => run.said.err.includes('has reached its end');
        await eventuallyTrue('the end', hasEnded, 120_000);
        await life.startWorker();
        await becomes(false);
        expect(await run.exit).toBe(143);
      },
      LONG,
    );

    more(() => life);
  });
}
