import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { eventuallyTrue } from '../harness-wait';
import { type Counterpart, Life, type Program } from './life';

const LONG = 300_000;
/** What waits for the server to notice that a worker is gone takes longer than the rest. */
const WITHIN_MS = 120_000;

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
  describe(`TGT-2 EMG-2 FRI-2 FRI-8 the life of a request by command line: ${kind}`, () => {
    let life: Life;
    beforeAll(async () => {
      life = await Life.start(counterpart());
    }, LONG);
    afterAll(() => life?.stop());

    /** A command that uses the access once and then lasts. */
    const holding = () => `${counterpart().command ?? 'true'} && echo "it worked"; sleep 240`;
    const becomes = (works: boolean) =>
      eventuallyTrue(
        `it ${works ? 'works' : 'is refused'}`,
        async () => (await life.works()) === works,
        WITHIN_MS,
      );
    const worked = (run: Program) =>
      eventuallyTrue(
        'its command worked',
        async () => {
          if (run.child.exitCode !== null) throw new Error(`it ended: ${run.said.err}`);
          return run.said.out === 'it worked\n';
        },
        WITHIN_MS,
      );
    const hasReachedItsEnd = (run: Program) =>
      eventuallyTrue('the end', async () => run.said.err.includes('has reached its end'), WITHIN_MS);
    /** Asks for the access for as long as a command lasts, has it approved, and waits until it works. */
    const hold = async (duration: string) => {
      const run = life.run(holding(), duration);
      const id = await life.approve(run);
      await worked(run);
      await becomes(true);
      return { run, id };
    };
    const killWorker = async () => {
      await counterpart().proxy.held();
      await life.killWorker();
      await life.startWorker();
    };

    test(
      'refused before, works for a command after the approval, refused after it',
      async () => {
        expect(await life.works()).toBe(false);
        const { command = 'true' } = counterpart();
        const goOn = path.join(life.harness.stateDir, 'go-on');
        const waiting = `while [ ! -e '${goOn}' ]; do sleep 0.2; done`;
        const run = life.run(`${command} && echo "it worked"; ${waiting}; exit 7`, '5m');
        await life.idOf(run);
        expect(await life.works()).toBe(false);
        await life.approve(run);
        await becomes(true);
        writeFileSync(goOn, '');
        expect({ code: await run.exit, ...run.said }).toMatchObject({ code: 7, out: 'it worked\n' });
        expect(run.said.err).toContain('no access is left');
        await becomes(false);
      },
      LONG,
    );

    test(
      'an early end: an owner takes it back while the command runs',
      async () => {
        const { run, id } = await hold('5m');
        await life.say('revoke', id);
        await becomes(false);
        expect(await run.exit).toBe(143);
        expect(run.said.err).toContain('the grant has ended');
      },
      LONG,
    );

    test(
      'two overlapping leases: the access goes with the last one',
      async () => {
        const first = await hold('5m');
        const second = await hold('5m');
        await life.say('revoke', first.id);
        expect(await first.run.exit).toBe(143);
        expect(await life.works()).toBe(true);
        expect(second.run.child.exitCode).toBe(null);
        await life.say('revoke', second.id);
        await becomes(false);
        expect(await second.run.exit).toBe(143);
      },
      LONG,
    );

    test(
      'its end passes while the worker is dead: the command ends by itself, and the next worker ends the access',
      async () => {
        const { run } = await hold('40s');
        await life.killWorker();
        await hasReachedItsEnd(run);
        await life.startWorker();
        await becomes(false);
        expect(await run.exit).toBe(143);
      },
      LONG,
    );

    test.each([
      ['before the target has heard of the change', 'is held'],
      ['after the target has made the change', 'is done, its answer is held'],
    ] as const)(
      'the worker is killed between the two halves, %s: it is given all the same, and ended',
      async (_, fate) => {
        const { proxy } = counterpart();
        proxy.nextChange = fate;
        const run = life.run(holding(), '10m');
        const id = await life.approve(run);
        await killWorker();
        await worked(run);
        await becomes(true);
        proxy.nextChange = fate;
        await life.say('revoke', id);
        await killWorker();
        await becomes(false);
        expect(await run.exit).toBe(143);
      },
      LONG,
    );

    more(() => life);
  });
}
