import { parseArgs } from 'node:util';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import { GROUND_KINDS } from '../support/targets/grounds';
import { BREAKAGES, isBreakage } from './breakage';
import { runBreakages } from './breakages';
import { keptEveryPromise, printReport, toJson } from './report';
import { runFaults } from './run';

const USAGE = `usage: --lives N --seed S [--json] [--in-flight N] [--calm] [--only LIFE] [--keep DIR] [--target ${GROUND_KINDS.join('|')}] [--break ${Object.keys(BREAKAGES).join('|')}|all]`;

/** Runs the suite. Exit code 0 only if every promise was kept; 2 for wrong usage. */
async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      lives: { type: 'string', default: '50' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      json: { type: 'boolean', default: false },
      'in-flight': { type: 'string', default: '50' },
      calm: { type: 'boolean', default: false },
      only: { type: 'string' },
      keep: { type: 'string' },
      target: { type: 'string', default: 'postgresql' },
      break: { type: 'string' },
    },
  });
  const breakage = values.break;
  const numbers = [values.lives, values.seed, values['in-flight'], values.only ?? '0'].map(Number);
  const isBad = numbers.some((number) => !Number.isSafeInteger(number) || number < 0);
  quietRuntime();
  if (breakage === 'all') return allBreakages();
  const target = GROUND_KINDS.find((kind) => kind === values.target);
  if (target === undefined)
    return wrongUsage(
      `--target ${values.target}: no storm is made for this kind; give ${GROUND_KINDS.join(', ')}`,
    );
  if (breakage !== undefined && target !== 'postgresql')
    return wrongUsage('--break: promises are broken on postgresql alone; leave --target out');
  if (isBad || (breakage !== undefined && !isBreakage(breakage))) return wrongUsage(USAGE);
  const report = await runFaults({
    lives: Number(values.lives),
    seed: Number(values.seed),
    inFlight: Number(values['in-flight']),
    calm: values.calm,
    target,
    ...(breakage !== undefined && { breakage }),
    ...(values.only !== undefined && { only: Number(values.only) }),
    ...(values.keep !== undefined && { keepIn: values.keep }),
    announce,
  });
  if (values.json) process.stdout.write(`${JSON.stringify(toJson(report))}\n`);
  else printReport(report);
  const isKept = keptEveryPromise(report);
  if (!isKept) {
    const about = breakage === undefined ? '' : ` --break ${breakage}`;
    const calm = `${values.calm ? ' --calm' : ''}${target === 'postgresql' ? '' : ` --target ${target}`}`;
    process.stderr.write(
      `faults: seed ${report.seed} failed; repeat it with: npm run faults -- --lives ${values.lives} --seed ${report.seed}${calm}${about}\n`,
    );
  }
  return isKept ? 0 : 1;
}

/** Breaks every promise in turn. Succeeds only if each breakage is noticed and unbroken lives raise no complaint. */
async function allBreakages(): Promise<number> {
  const found = await runBreakages();
  process.stdout.write(`${JSON.stringify(found)}\n`);
  const isNoticed = Object.entries(BREAKAGES).every(([name, count]) => (found[name]?.[count] ?? 0) > 0);
  return isNoticed && Object.values(found['none'] ?? {}).every((count) => count === 0) ? 0 : 1;
}

function wrongUsage(why: string): number {
  process.stderr.write(`faults: ${why}\n`);
  return 2;
}

const announce = (line: string): void => void process.stderr.write(`faults: ${line}\n`);

function quietRuntime(): void {
  Runtime.install({ logger: new DefaultLogger('ERROR'), telemetryOptions: { logging: { filter: 'ERROR' } } });
}

main().then(
  (exitCode) => process.exit(exitCode),
  (error: unknown) => {
    process.stderr.write(
      `faults: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    );
    process.exit(1);
  },
);
