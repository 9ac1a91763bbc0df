import { parseArgs } from 'node:util';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import { Ground } from '../ground';
import { Observer } from '../observer';
import { crashAt, plansFor } from './crash';

/**
 * Lives one life of each kind over and over: once undisturbed, then with the worker killed after each event of the
 * history in turn. Exit code 0 only where every crash led to the same outcome as no crash.
 */
async function main(): Promise<number> {
  const { values } = parseArgs({
    options: { steps: { type: 'string', default: '1-45' }, json: { type: 'boolean', default: false } },
  });
  Runtime.install({ logger: new DefaultLogger('ERROR'), telemetryOptions: { logging: { filter: 'ERROR' } } });
  const rounds = [[0], ...inRounds(stepsOf(values.steps))].map((steps, round, all) => ({
    steps,
    lives: steps.flatMap((step, number) =>
      plansFor(all.slice(0, round).flat().length + number).map((plan) => ({ plan, step })),
    ),
  }));
  const ground = await Ground.prepare(rounds.flatMap(({ lives }) => lives.map(({ plan }) => plan)));
  const observer = await Observer.start(ground.postgres.url);
  const differing: string[] = [];
  let crashes = 0;
  let tried = 0;
  try {
    await ground.startWorkers(['a']);
    const sound = new Map<string, string>();
    for (const { steps, lives } of rounds) {
      const { outcomes, kills, reached } = await crashAt(ground, observer, lives);
      crashes += kills;
      process.stderr.write(
        `crash: after events ${steps}: ${reached} lives reached theirs, ${kills} crashes\n`,
      );
      if (steps[0] !== 0 && reached === 0) break;
      tried += reached;
      for (const { step, outcome } of outcomes) {
        const found = JSON.stringify(outcome);
        if (step === 0) sound.set(outcome.life, found);
        else if (sound.get(outcome.life) !== found)
          differing.push(`after event ${step}: ${found} in place of ${sound.get(outcome.life)}`);
      }
    }
    if (values.json) process.stdout.write(`${JSON.stringify({ tried, crashes, differing })}\n`);
    else {
      for (const outcome of sound.values()) process.stdout.write(`${outcome}\n`);
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

const STEPS_AT_ONCE = 5;

function inRounds(steps: readonly number[]): readonly (readonly number[])[] {
  const count = Math.ceil(steps.length / STEPS_AT_ONCE);
  return Array.from({ length: count }, (_, round) =>
    steps.slice(round * STEPS_AT_ONCE, (round + 1) * STEPS_AT_ONCE),
  );
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
