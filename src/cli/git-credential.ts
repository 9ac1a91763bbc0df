import type { Command } from 'commander';
import { signCallerToken } from '../signing/sign';
import { type Context, type Run, withClient } from './context';
import { parseDurationMs } from './duration';
import { AS_HELP, KEY_HELP } from './help';
import { type CommandResult, done, UserError, usageError } from './output';
import { byTemporal } from './run/backend';
import { gitAbove } from './run/git-process';
import { Interruptions } from './run/interruptions';
import { waitForGrant } from './run/waiting';
import { composeWanted } from './run/wanted';
import { findSigner, type SignerOptions } from './signer';

interface GitCredentialOptions extends SignerOptions {
  readonly entitlement: string;
  readonly for: string;
  readonly reason: string;
  readonly ticket?: string;
  readonly timeout: string;
}

const MOST_BYTES = 16 * 1024;
const TOKEN_LIFE_MS = 600_000;
const GIVE_BACK_WITHIN_MS = 10_000;

/** `countersign git-credential`: a helper for git (gitcredentials(7)), which has access as long as that git command runs. */
export function define(command: Command, run: Run): void {
  command
    .argument('<operation>', 'get, store or erase; git says which')
    .requiredOption('--entitlement <entitlement>', 'connector:resource#action')
    .option('--as <principal>', `who asks, ${AS_HELP}`)
    .option('--key <file>', KEY_HELP)
    .option('--for <duration>', 'for how long at most', '15m')
    .option('--reason <text>', 'why; the approvers read it', 'git')
    .option('--ticket <ticket>', 'ticket that it belongs to')
    .option('--timeout <duration>', 'how long to wait for access', '1h')
    .action((operation: string, options: GitCredentialOptions) =>
      run((context) => answerGit(operation, options, context)),
    );
}

async function answerGit(
  operation: string,
  options: GitCredentialOptions,
  context: Context,
): Promise<CommandResult> {
  // Nothing is stored: the next git command gets access and a credential of its own.
  if (operation !== 'get') return done({ operation });
  const { protocol = '', host = '' } = attributesIn(await readInput());
  if (protocol !== 'https' && !isLoopback(protocol, host))
    throw new UserError(`no credential for ${protocol}://${host}: the credential would be sent unencrypted`);
  const git = gitAbove();
  if (git === undefined)
    throw usageError('git-credential must be called by git (git config credential.helper)');
  const timeoutMs = parseDurationMs(options.timeout, '--timeout');
  const wanted = composeWanted(options);
  const { principal, key } = await findSigner(options, context);
  const interruptions = new Interruptions(false);
  return withClient(context, async (client) => {
    const backend = byTemporal(client, principal, key);
    const keeper = await backend.keep(wanted, git);
    await backend.ask(wanted);
    const { signal } = interruptions;
    const seen = await waitForGrant(() => backend.look(wanted.id), {
      timeoutMs,
      signal,
      say: context.announce,
    });
    if (seen?.status !== 'active' || seen.lease === undefined) {
      for (const line of seen?.about ?? ['interrupted']) context.announce(line);
      const back = await backend.giveBack(wanted.id, GIVE_BACK_WITHIN_MS);
      if (back.gone) keeper.dismiss();
      throw new UserError(`no access: the request is ${seen?.status ?? 'taken back'}`);
    }
    const { account, expiresAtMs } = seen.lease;
    const nowMs = Date.now();
    const lifeMs = Math.min(TOKEN_LIFE_MS, expiresAtMs - nowMs);
    const token = await signCallerToken(principal, `${protocol}://${host}`, key, { nowMs, lifeMs });
    // From here on the keeper has the access, until git ends. Only git reads this pipe.
    keeper.takeOver();
    const until = Math.floor((nowMs + lifeMs) / 1_000);
    process.stdout.write(`username=${account}\npassword=${token}\npassword_expiry_utc=${until}\n`);
    return { exitCode: 0, lines: [], data: undefined };
  }).finally(() => interruptions.forget());
}

const isLoopback = (protocol: string, host: string): boolean =>
  protocol === 'http' && /^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/.test(host);

async function readInput(): Promise<string> {
  let said = '';
  for await (const chunk of process.stdin.setEncoding('utf8')) {
    said += String(chunk);
    if (said.length > MOST_BYTES) throw usageError('git-credential: too much input');
  }
  return said;
}

function attributesIn(text: string): Readonly<Record<string, string | undefined>> {
  const lines = text.split('\n').filter((line) => line.includes('='));
  return Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );
}
