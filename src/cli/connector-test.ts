import { setTimeout as sleep } from 'node:timers/promises';
import { readSetting } from '../connectors/settings';
import { webhook } from '../connectors/webhook/definition';
import { trialOf } from '../connectors/webhook/trial';
import type { Environment } from '../contracts/settings';
import type { Context } from './context';
import { type CommandResult, done, failed, printable, usageError } from './output';

export interface TrialOptions {
  readonly secretFile: string;
  readonly account: string;
  readonly grant: readonly string[];
}

const LEASES = 'COUNTERSIGN_LEASES_URL';
const CASE_WITHIN_MS = 60_000;

/** Tries the contract of a webhook target on a running service, and says what it does not keep. */
export async function tryService(
  url: string,
  { secretFile, account, grant }: TrialOptions,
  context: Context,
): Promise<CommandResult> {
  const secret = readSetting('--secret-file', 'SECRET', { SECRET_FILE: secretFile });
  const settings = webhook.settings.safeParse({ url, secret });
  if (!settings.success) throw usageError(settings.error.issues.map(({ message }) => message).join('; '));
  const wanted = Object.fromEntries(grant.map(memberOf));
  const database = await scratchDatabase(context.env);
  const { cases, connector } = trialOf({
    settings: { url, secret },
    account,
    grant: wanted,
    leaseBook: database.url,
  });
  const results: { readonly name: string; readonly failure?: string }[] = [];
  try {
    for (const { name, run } of cases) {
      const failure = await Promise.race([run().then(() => undefined, reasonOf), tooLong()]);
      results.push({ name, ...(failure !== undefined && { failure }) });
      context.announce(`${failure === undefined ? 'ok  ' : 'FAIL'}  ${name}`);
    }
  } finally {
    await connector.close();
    await database.stop();
  }
  const lines = results.map(({ name, failure }) =>
    printable(failure === undefined ? `ok    ${name}` : `FAIL  ${name}: ${failure}`),
  );
  const broken = results.filter(({ failure }) => failure !== undefined).length;
  const data = { url, results };
  if (broken === 0) return done(data, ...lines);
  return failed(
    { code: 'NOT_READY', message: `the service does not keep ${broken} of ${results.length} promises` },
    data,
    ...lines,
  );
}

const tooLong = async (): Promise<string> => {
  await sleep(CASE_WITHIN_MS, undefined, { ref: false });
  return `not done within ${CASE_WITHIN_MS / 1_000} s`;
};

function memberOf(text: string): readonly [string, string] {
  const [, name, value] = /^([^=]+)=(.+)$/s.exec(text) ?? [];
  if (name === undefined || value === undefined) throw usageError(`--grant ${text}: write it as name=value`);
  return [name, value];
}

/** The lease book of a trial: where the setting says, or in a database in memory. */
async function scratchDatabase(env: Environment): Promise<{ readonly url: string; stop(): Promise<void> }> {
  if (env[LEASES] !== undefined || env[`${LEASES}_FILE`] !== undefined)
    return { url: readSetting('lease book', LEASES, env), stop: async () => undefined };
  const { startScratchDatabase } = await import('../stack/scratch-database.js');
  return startScratchDatabase();
}

/** The first line of what an assertion says, which is enough beside the name of the case. */
const reasonOf = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).replace(/\s+/g, ' ').slice(0, 300);
