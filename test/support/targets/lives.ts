import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { eventually, eventuallyTrue, sleep } from '../harness-wait';
import { type Counterpart, Life, type Misfit, type Program } from './life';

const LONG = 600_000;
/** What waits for the server to notice that a worker is gone takes longer than the rest. */
const WITHIN_MS = 120_000;

/** Stands in every secret that is wrong, so that a test finds it in what is said. */
export const WRONG_SECRET = 'not-this-one';

/**
 * Tests of the life of a request on a real target, by command line: refused before, works after the approval, refused after each
 * way in which it can end.
 *
 * @param misfits ways in which it can be set up wrongly, by the name of a connector that is
 * @param more tests of this kind alone, with the same programs
 */
export function livesOnTarget(
  kind: string,
  misfits: Readonly<Record<string, () => Misfit>>,
  counterpart: () => Counterpart,
  more: (life: () => Life) => void = () => undefined,
): void {
  describe(`TGT-2 EMG-2 FRI-2 FRI-8 the life of a request by command line: ${kind}`, () => {
    let life: Life;
    beforeAll(async () => {
      const made = Object.entries(misfits).map(([name, misfit]) => [name, misfit()] as const);
      life = await Life.start(counterpart(), Object.fromEntries(made));
    }, LONG);
    afterAll(() => life?.stop());

    /** A command that uses the access once and then lasts. */
    const holding = () => `${counterpart().command ?? 'true'} && echo "it worked"; sleep 240`;
    /** Tries the access on the target until the target answers. No answer is neither access nor none. */
    const works = () =>
      eventually(
        'the target answers',
        () =>
          life.works().then(
            (isThere) => ({ isThere }),
            () => undefined,
          ),
        WITHIN_MS,
      ).then(({ isThere }) => isThere);
    const becomes = (isThere: boolean) =>
      eventuallyTrue(
        `it ${isThere ? 'works' : 'is refused'}`,
        async () => (await works()) === isThere,
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
    /** Asks for the access for as long as a command lasts, has it approved, and waits until it works. */
    const hold = async (duration = '5m') => {
      const run = life.run(holding(), duration);
      const id = await life.approve(run);
      await worked(run);
      await becomes(true);
      return { run, id };
    };
    /** Holds the access for a short time: longer if the machine is so slow that the time was over before the access was seen. */
    const holdShortly = async () => {
      for (const seconds of [20, 60, 180]) {
        const run = life.run(holding(), `${seconds}s`);
        await life.approve(run);
        const isOver = () => run.said.err.includes('has reached its end');
        await eventuallyTrue(
          'its command worked, or its end',
          async () => run.said.out === 'it worked\n' || isOver() || run.child.exitCode !== null,
          WITHIN_MS + seconds * 1_000,
        );
        if (!isOver() && (await works()) && !isOver()) return run;
        await run.exit;
      }
      throw new Error('the machine is too slow to see access that lasts three minutes');
    };
    const reachesItsEnd = (run: Program) =>
      eventuallyTrue('the end', async () => run.said.err.includes('has reached its end'), 2 * WITHIN_MS);
    const killWorker = async () => {
      await counterpart().proxy.held();
      await life.killWorker();
      await life.startWorker();
    };

    test(
      'refused before, works for a command after the approval, refused after it',
      async () => {
        expect(await works()).toBe(false);
        const { command = 'true' } = counterpart();
        const goOn = path.join(life.harness.stateDir, 'go-on');
        const waiting = `while [ ! -e '${goOn}' ]; do sleep 0.2; done`;
        const run = life.run(`${command} && echo "it worked"; ${waiting}; exit 7`, '5m');
        await life.idOf(run);
        expect(await works()).toBe(false);
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
        const { run, id } = await hold();
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
        const first = await hold();
        const second = await hold();
        await life.say('revoke', first.id);
        expect(await first.run.exit).toBe(143);
        expect(await works()).toBe(true);
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
        const run = await holdShortly();
        await life.killWorker();
        await reachesItsEnd(run);
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

    test(
      'the target is down over the end: the access ends when it is back',
      async () => {
        const { outage } = counterpart();
        const run = await holdShortly();
        await outage.halt();
        try {
          await reachesItsEnd(run);
          // Worker and command try to end it meanwhile, and cannot.
          await sleep(5_000);
        } finally {
          await outage.restart();
        }
        await becomes(false);
        expect(await run.exit).toBe(143);
      },
      LONG,
    );

    test(
      "somebody else's grant of the same access is reported as drift, and left alone by the end of a lease",
      async () => {
        const { other } = counterpart();
        await other.give();
        await life.hasReported(other.account);
        const { run, id } = await hold();
        await life.say('revoke', id);
        await becomes(false);
        expect(await run.exit).toBe(143);
        expect(await other.holds()).toBe(true);
        await other.take();
      },
      LONG,
    );

    test.each(Object.entries(misfits))(
      'TGT-4 %s: one line each from `connector check`, `doctor` and the request, without a secret',
      async (name, misfit) => {
        const { says, checkSays = says } = misfit();
        const told = checkSays === null ? [] : [expect.stringMatching(checkSays)];
        const check = await life.diagnose('connector', 'check', name);
        expect({ ...check, wrong: check.wrong.slice(0, 1) }).toEqual({ code: told.length, wrong: told });
        const { wrong } = await life.diagnose('doctor');
        expect(wrong.filter((line) => line.includes(`connector ${name}:`))).toEqual(told);
        const run = life.run('true', '5m', name);
        await life.approve(run);
        expect(await run.exit).toBe(1);
        expect(run.said.err.split('\n').filter((line) => says.test(line))).toEqual([expect.any(String)]);
        expect([...check.wrong, ...wrong, run.said.err].join('\n')).not.toContain(WRONG_SECRET);
      },
      LONG,
    );

    more(() => life);
  });
}
