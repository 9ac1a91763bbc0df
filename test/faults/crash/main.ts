import { parseArgs } from 'node:util';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import { Ground } from '../ground';
import { Observer } from '../observer';
import { type Crashing, crashAt, everyCrash, undisturbed } from './crash';

/**
 * Runs one life of each kind repeatedly: once undisturbed, then with the worker killed after each event of its
 * history in turn. Exit code 0 only if every crash led to the same outcome as no crash.
 */
async function main(): Promise<number> {
  const { values } = parseArgs({
    options: { steps: { type: 'string', default: '1-999' }, json: { type: 'boolean', default: false } },
  });
  Runtime.install({ logger: new DefaultLogger('ERROR'), telemetryOptions: { logging: { filter: 'ERROR' } } });
  const startedMs = performance.now();
  const sound = await round(undisturbed());
  const expected = new Map(sound.outcomes.map(({ life, outcome }) => [life, JSON.stringify(outcome)]));
  const lengths = new Map(sound.outcomes.map(({ life, length }) => [life, length]));
  const wanted = stepsOf(values.steps);
  const crashing = everyCrash(lengths, (step) =>
    wanted.some(([first, last]) => step >= first && step <= last),
  );
  announce(`${lengths.size} lives undisturbed; ${crashing.length} events to crash after`);
  const differing: string[] = [];
  let [tried, kills, unleased] = [0, 0, sound.unleased];
  for (const lives of inRounds(crashing)) {
    const lived = await round(lives);
    tried += lived.reached;
    kills += lived.kills;
    unleased += lived.unleased;
    for (const { life, step, outcome } of lived.outcomes) {
      const found = JSON.stringify(outcome);
      if (expected.get(life) === found) continue;
      const difference = `${life}, after event ${step}: ${found} instead of ${expected.get(life)}`;
      differing.push(difference);
      announce(difference);
    }
    announce(`${tried} of ${crashing.length} crashed, ${kills} kills, ${differing.length} differ`);
  }
  const seconds = Math.round((performance.now() - startedMs) / 1_000);
  const result = { crashing: crashing.length, tried, kills, differing, unleased, seconds };
  if (values.json) process.stdout.write(`${JSON.stringify(result)}\n`);
  else {
    for (const [life, outcome] of expected)
      process.stdout.write(`${life} (${lengths.get(life)}): ${outcome}\n`);
    process.stdout.write(
      `${tried} lives crashed at an event of their own in ${kills} kills, ${differing.length} differ, ` +
        `access without a lease was seen ${unleased} times, ${seconds} s\n`,
    );
  }
  return differing.length + unleased === 0 && tried > 0 ? 0 : 1;
}

/** Some lives at once, on servers of their own. */
async function round(lives: readonly Crashing[]) {
  const ground = await Ground.prepare(lives.map(({ plan }) => plan));
  const observer = await Observer.start(ground.postgres.url);
  try {
    await ground.startWorkers(['a']);
    const lived = await crashAt(ground, observer, lives);
    return { ...lived, unleased: observer.unleased.length };
  } finally {
    await observer.stop();
    await ground.close();
  }
}

const LIVES_AT_ONCE = 40;

function inRounds(lives: readonly Crashing[]): readonly (readonly Crashing[])[] {
  const count = Math.ceil(lives.length / LIVES_AT_ONCE);
  return Array.from({ length: count }, (_, number) =>
    lives.slice(number * LIVES_AT_ONCE, (number + 1) * LIVES_AT_ONCE),
  );
}

/** `3`, `1-20`, `4,9,14` */
function stepsOf(text: string): readonly (readonly [number, number])[] {
  return text.split(',').map((part) => {
    const [first = 1, last = first] = part.split('-').map(Number);
    return [first, last];
  });
}

const announce = (line: string): void => void process.stderr.write(`crash: ${line}\n`);

main().then(
  (exitCode) => process.exit(exitCode),
  (error: unknown) => {
    announce(error instanceof Error ? (error.stack ?? error.message) : String(error));
    process.exit(1);
  },
);
