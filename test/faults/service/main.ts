import { parseArgs } from 'node:util';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import { Ground } from '../ground';
import { Observer } from '../observer';
import { type Plan, planLife } from '../plan';
import type { Call } from './call';
import { CALLS } from './calls';
import { CALLS_FOR_ALL } from './calls-for-all';
import { type Cell, PHASES, tryPhase } from './phases';

/**
 * Makes every call of Temporal's WorkflowService that changes something, in every phase of a request, with nothing but
 * a client, and prints what became of the access. Exit code 0 only if none was created and none was kept open.
 */
async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      json: { type: 'boolean', default: false },
      calls: { type: 'string', default: '' },
      'one-request': { type: 'boolean', default: false },
    },
  });
  Runtime.install({ logger: new DefaultLogger('ERROR'), telemetryOptions: { logging: { filter: 'ERROR' } } });
  const matches = ({ name }: Call) => name.includes(values.calls);
  const forOne = CALLS.filter(matches);
  const forAll = values['one-request'] ? [] : CALLS_FOR_ALL.filter(matches);
  const count = (forOne.length + forAll.length) * PHASES.length;
  const plans = Array.from(
    { length: count },
    (_, index): Plan => ({
      ...planLife(1, index, true),
      kind: 'write',
      course: 'service',
      overlaps: false,
    }),
  );
  const queue = [...plans];
  const next = () => {
    const plan = queue.shift();
    if (plan === undefined) throw new Error('no plan is left');
    return plan;
  };
  const ground = await Ground.prepare(plans);
  const observer = await Observer.start(ground.postgres.url);
  const cells: Cell[] = [];
  let failure: unknown;
  try {
    await ground.startWorkers();
    for (const phase of PHASES) {
      process.stderr.write(`service: ${forOne.length} calls while ${phase}\n`);
      cells.push(...(await tryPhase(ground, phase, forOne, next)));
    }
    for (const call of forAll)
      for (const phase of PHASES) {
        process.stderr.write(`service: ${call.name} while ${phase}\n`);
        cells.push(...(await tryPhase(ground, phase, [call], next)));
      }
  } catch (error) {
    // Print the table of what was found until then.
    failure = error;
  } finally {
    await observer.stop();
    await ground.close();
  }
  const unleased = new Set(observer.unleased.map(({ account }) => account));
  if (values.json) process.stdout.write(`${JSON.stringify({ cells, unleased: [...unleased] })}\n`);
  else printTable(cells);
  const bad = cells.filter((cell) => cell.unauthorised || cell.given > 1 || cell.alive);
  for (const cell of bad) process.stderr.write(`service: ${JSON.stringify(cell)}\n`);
  if (failure !== undefined) throw failure;
  return bad.length + unleased.size === 0 ? 0 : 1;
}

function printTable(cells: readonly Cell[]): void {
  const names = [...new Set(cells.map((cell) => cell.call))];
  process.stdout.write(`| call | ${PHASES.join(' | ')} |\n|---|${PHASES.map(() => '---').join('|')}|\n`);
  for (const name of names) {
    const row = PHASES.map((phase) => {
      const cell = cells.find((one) => one.call === name && one.phase === phase);
      return cell === undefined ? '' : describe(cell);
    });
    process.stdout.write(`| ${name} | ${row.join(' | ')} |\n`);
  }
}

/** Describes the outcome in a few words: the server's answer if it was an error, then the access. */
function describe({ answer, unauthorised, given, lagMs, alive }: Cell): string {
  const told = answer === 'done' ? '' : `${answer}; `;
  if (unauthorised) return `${told}**ACCESS**`;
  if (alive) return `${told}**HELD OPEN**`;
  if (given === 0) return `${told}no access`;
  const seconds =
    lagMs === undefined ? '' : `, gone ${lagMs <= 0 ? 'early' : `+${(lagMs / 1_000).toFixed(1)} s`}`;
  return `${told}${given === 1 ? 'given once' : `**given ${given} times**`}${seconds}`;
}

main().then(
  (exitCode) => process.exit(exitCode),
  (error: unknown) => {
    process.stderr.write(
      `service: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    );
    process.exit(1);
  },
);
