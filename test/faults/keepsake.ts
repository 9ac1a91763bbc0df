import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { writeHistory } from '../replay/history-file';
import type { Ground } from './ground';
import type { LifeRecord } from './live';
import { everyRun } from './workflows-seen';

/** Saves what was sent in each life, and every history that a complaint names, for later inspection. */
export async function keep(
  folder: string,
  ground: Ground,
  records: readonly LifeRecord[],
  complaints: readonly string[],
): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const named = (text: string) => complaints.some((one) => one.includes(text));
  const lives = records.filter(({ request }) => named(request.id));
  writeFileSync(path.join(folder, 'lives.json'), JSON.stringify(lives, undefined, 1));
  let number = 0;
  for await (const { workflowId, history } of everyRun(ground.temporal)) {
    const id = workflowId.slice(workflowId.indexOf('/') + 1);
    if (!named(id)) continue;
    number += 1;
    writeHistory(path.join(folder, `${id}.${number}.json`), history);
  }
}
