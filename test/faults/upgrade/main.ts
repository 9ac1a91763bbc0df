import { parseArgs } from 'node:util';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import { EARLIER_COMMIT, NoEarlierVersion, provideEarlierVersion } from './earlier-version';
import { keptEveryPromise, printReport, toJson } from './report';
import { runUpgrade } from './run';

const USAGE =
  'usage: [--short] [--seed S] [--from COMMIT] [--waiting N] [--held N] [--arriving N] [--mixed SECONDS] [--json] [--keep DIR]';
const SIZES = {
  full: { waiting: '50', held: '20', arriving: '40', mixed: '15' },
  short: { waiting: '10', held: '4', arriving: '8', mixed: '4' },
};

/**
 * Brings a running installation from an earlier version to this one, one process at a time, while faults go on. Exit code 0 only if every
 * promise was kept; 2 for wrong usage; 3 if this copy of the repository does not have the earlier version.
 */
async function main(): Promise<number> {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    options: {
      short: { type: 'boolean', default: false },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      from: { type: 'string', default: EARLIER_COMMIT },
      waiting: text,
      held: text,
      arriving: text,
      mixed: text,
      json: { type: 'boolean', default: false },
      keep: text,
    },
  });
  const sizes = values.short ? SIZES.short : SIZES.full;
  const [seed, waiting, held, arriving, mixed] = [
    values.seed,
    ...(['waiting', 'held', 'arriving', 'mixed'] as const).map((name) => values[name] ?? sizes[name]),
  ].map(Number);
  if (
    ![seed, waiting, held, arriving, mixed].every(
      (number) => Number.isSafeInteger(number) && Number(number) >= 0,
    )
  ) {
    process.stderr.write(`upgrade: ${USAGE}\n`);
    return 2;
  }
  Runtime.install({ logger: new DefaultLogger('ERROR'), telemetryOptions: { logging: { filter: 'ERROR' } } });
  const earlier = provideEarlierVersion(values.from, announce);
  announce(`from ${values.from.slice(0, 8)}, seed ${seed}`);
  const report = await runUpgrade({
    ...{ seed: Number(seed), waiting: Number(waiting), held: Number(held), arriving: Number(arriving) },
    mixedMs: Number(mixed) * 1_000,
    earlier,
    ...(values.keep !== undefined && { keepIn: values.keep }),
    announce,
  });
  if (values.json) process.stdout.write(`${JSON.stringify(toJson(report))}\n`);
  else printReport(report);
  return keptEveryPromise(report) ? 0 : 1;
}

const announce = (line: string): void => void process.stderr.write(`upgrade: ${line}\n`);

main().then(
  (exitCode) => process.exit(exitCode),
  (error: unknown) => {
    const about = error instanceof Error ? (error.stack ?? error.message) : String(error);
    process.stderr.write(`upgrade: ${error instanceof NoEarlierVersion ? error.message : about}\n`);
    process.exit(error instanceof NoEarlierVersion ? 3 : 1);
  },
);
