import { takeTurns } from './decisions';
import { assemble } from './figures';
import { Ground } from './ground';
import { countLives, type LifeCounts } from './life-counts';
import { codeKb } from './measure';
import { benchOptions } from './options';
import { printTable } from './table';

/**
 * What one request may cost up to its grant. A change that costs more has to raise the number here, and say why. None of these is a
 * time, so no busy machine breaks them.
 */
const MOST: Readonly<Record<keyof LifeCounts | 'bundle_kb', number>> = {
  events: 17,
  workflow_tasks: 2,
  local_activities: 3,
  search_attribute_writes: 3,
  history_kb: 10,
  queries: 28,
  bundle_kb: 395,
};
const LIVES = 5;

const { json } = benchOptions('quick bench', {});

/** Prints ratios that only inform, and counts. Fails if a count is above what it may be. */
async function main(): Promise<void> {
  const ground = await Ground.prepare();
  try {
    if (ground.postgres === undefined) throw new Error('queries are counted on a PostgreSQL server');
    const target = ground.standing('countersign_postgresql');
    const withLedger = { ...target, place: { ...target.place, withLedger: true } };
    const counts = { ...(await countLives(ground, withLedger, LIVES)), bundle_kb: codeKb(target) };
    const plan = { rounds: 1, rates: [4], seconds: 3, requests: 0, senders: 20, seed: 1 };
    const sides = [ground.standing('bare'), ground.standing('countersign')];
    const figures = assemble(await takeTurns(ground, sides, plan), plan, {}, 0);
    if (json) process.stdout.write(`${JSON.stringify({ ...counts, ...figures })}\n`);
    else printTable(figures);
    judge(counts);
  } finally {
    await ground.close();
  }
}

function judge(counts: Readonly<Record<keyof typeof MOST, number>>): void {
  for (const [name, value] of Object.entries(counts)) {
    const most = Object.entries(MOST).find(([one]) => one === name)?.[1] ?? 0;
    const isOver = value > most;
    const line = `${name.padEnd(24)} ${Number(value.toFixed(1))} of at most ${most}${isOver ? '  TOO MANY' : ''}`;
    process.stderr.write(`${line}\n`);
    if (isOver) process.exitCode = 1;
  }
}

void main().catch((error: unknown) => {
  process.stderr.write(`quick bench: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
