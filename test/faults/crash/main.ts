import { parseArgs } from 'node:util';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import { Ground } from '../ground';
import { Observer } from '../observer';
import { crashAt, KINDS_OF_LIVES, type Outcome, plansFor } from './crash';

/**
 * Lives one life of each kind over and over: once undisturbed, then with the worker killed after each event of the
 * history in turn. Exit code 0 only where every crash led to the same outcome as no crash.
 */
async function main(): Promise<number> {
  const { values } = parseArgs({
    options: { steps: { type: 'string', default: '1-45' }, json: { type: 'boolean', default: false } },
  });
  Runtime.install({ logger: new DefaultLogger('ERROR'), telemetryOptions: { logging: { filter: 'ERROR' } } });
  const steps = stepsOf(values.steps);
  const rounds = [0, ...steps].map((step, round) => ({ step, plans: plansFor(round) }));
  const ground = await Ground.prepare(rounds.flatMap(({ plans }) => plans));
  const observer = await Observer.start(ground.postgres.url);
  const differing: string[] = [];
  let crashes = 0;
  let tried = 0;
  try {
    await ground.startWorkers(['a']);
    let sound: readonly Outcome[] | undefined;
    for (const { step, plans } of rounds) {
      const { outcomes, kills, reached } = await crashAt(ground, observer, plans, step);
      crashes += kills;
      sound ??= outcomes;
      process.stderr.write(`crash: after event ${step}: ${reached} lives reached it, ${kills} crashes\n`);
      if (step > 0 && reached === 0) break;
      tried += reached;
      for (const [number, outcome] of outcomes.entries()) {
        const [expected, found] = [JSON.stringify(sound[number]), JSON.stringify(outcome)];
        if (expected !== found)
          differing.push(`${KINDS_OF_LIVES[number]} after event ${step}: ${found} in place of ${expected}`);
      }
    }
    if (values.json) process.stdout.write(`${JSON.stringify({ tried, crashes, differing, sound })}\n`);
    else {
      for (const outcome of sound ?? []) process.stdout.write(`${JSON.stringify(outcome)}\n`);
      process.stdout.write(
        `${tried} lives crashed at a step of their own, ${crashes} crashes, ${differing.length} differ\n`,
      );
    }
  } finally {
    await observer.stop();
    await ground.close();
  }
  for (const one of differing) process.stderr.write(`crash: ${one}\n`);
  if (observer.unleased.length > 0) process.stderr.write('crash: access without a lease was seen\n');
  return differing.length + observer.unleased.length === 0 ? 0 : 1;
}

/** `3`, `1-20`, `4,9,14` */
function stepsOf(text: string): readonly number[] {
  return text.split(',').flatMap((part) => {
    const [first = 1, last = first] = part.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
}

main().then(
  (exitCode) => process.exit(exitCode),
  (error: unknown) => {
    process.stderr.write(
      `crash: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    );
    process.exit(1);
  },
);
