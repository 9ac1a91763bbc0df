import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { type Context, withClient } from '../context';
import { parseDurationMs, sayDuration } from '../duration';
import { findSigningKey } from '../keys-lookup';
import { failed, type Outcome, usageError } from '../output';
import { startCommand } from './command';
import { environmentOf, targetUrlOf } from './environment';
import { byGateway } from './gateway-way';
import type { GivenBack } from './give-back';
import { Interruptions } from './interruptions';
import { findTokenSource, tokensOf } from './token-source';
import { waitForGrant } from './waiting';
import { composeWanted } from './wanted';
import { type AccessWay, byTemporal, type Seen, type Wanted } from './way';

interface RunOptions {
  readonly entitlement: string;
  readonly for: string;
  readonly reason: string;
  readonly as?: string;
  readonly gateway?: string;
  readonly tokenFile?: string;
  readonly key?: string;
  readonly ticket?: string;
  readonly timeout: string;
}

const LOOK_EVERY_MS = 2_000;
const GIVE_BACK_WITHIN_MS = 30_000;

/** `countersign run … -- COMMAND`: access for as long as one command runs. */
export function registerRun(
  program: Command,
  run: (work: (context: Context) => Promise<Outcome>) => void,
): void {
  program
    .command('run')
    .description('run a command with access that is asked for before it and given back after it')
    .argument('<command...>', 'the command, after --')
    .requiredOption('--entitlement <entitlement>', 'connector:resource#action')
    .requiredOption('--for <duration>', 'for how long at most, such as 15m')
    .requiredOption('--reason <text>', 'why; the approvers read it')
    .option('--as <principal>', 'who asks, for example ci/payments')
    .option('--key <file>', 'private key of who asks (default: the one that `up` made)')
    .option('--gateway <url>', 'ask there, as whom a token names, in place of Temporal')
    .option('--token-file <file>', 'file of that token (default: the token of a GitHub Actions job)')
    .option('--ticket <ticket>')
    .option('--timeout <duration>', 'how long to wait for access', '1h')
    .action((command: string[], options: RunOptions) =>
      run((context) => runWithAccess(command, options, context)),
    );
}

async function runWithAccess(
  command: readonly string[],
  options: RunOptions,
  context: Context,
): Promise<Outcome> {
  const timeoutMs = parseDurationMs(options.timeout, '--timeout');
  const wanted = composeWanted(options);
  const target = targetUrlOf(wanted.entitlement.connector, context.env);
  return withWay(options, context, async (way) => {
    const interruptions = new Interruptions(process.stdin.isTTY === true);
    const keeper = await way.keep(wanted);
    try {
      return await holdAccess({ way, wanted, target, command, timeoutMs, interruptions, context });
    } finally {
      const back = await way.giveBack(wanted.id, GIVE_BACK_WITHIN_MS).catch((error: unknown) => ({
        gone: false as const,
        why: error instanceof Error ? error.message : 'it failed',
      }));
      if (back.gone) keeper.dismiss();
      else keeper.takeOver();
      context.announce(sayGivenBack(back));
      interruptions.forget();
    }
  });
}

async function withWay(
  { gateway, tokenFile, as: principal, key: keyFile }: RunOptions,
  context: Context,
  use: (way: AccessWay) => Promise<Outcome>,
): Promise<Outcome> {
  if (gateway !== undefined) {
    if (principal !== undefined || keyFile !== undefined)
      throw usageError('--gateway: who asks is whom the token names; leave --as and --key out');
    if (!URL.canParse(gateway) || !/^https?:$/.test(new URL(gateway).protocol))
      throw usageError('--gateway: not an address such as https://countersign.example');
    const { origin } = new URL(gateway);
    const source = findTokenSource(tokenFile, context.env);
    // Without a token nothing is begun.
    await tokensOf(source, origin)();
    return use(await byGateway(origin, source));
  }
  if (tokenFile !== undefined) throw usageError('--token-file: tokens are for a gateway; give --gateway');
  if (principal === undefined) throw usageError('--as: say who asks, for example ci/payments');
  const key = await findSigningKey(principal, keyFile, context.settings.COUNTERSIGN_STATE_DIR);
  return withClient(context, (client) => use(byTemporal(client, principal, key)));
}

function sayGivenBack(back: GivenBack): string {
  if (back.gone) return `no access is left; the request is ${back.status}`;
  return `the access is not known to be gone (${back.why}); a keeper goes on trying, and it ends by itself at its end time`;
}

interface Holding {
  readonly way: AccessWay;
  readonly wanted: Wanted;
  readonly target: URL | undefined;
  readonly command: readonly string[];
  readonly timeoutMs: number;
  readonly interruptions: Interruptions;
  readonly context: Context;
}

async function holdAccess(holding: Holding): Promise<Outcome> {
  const { way, wanted, target, command, timeoutMs, interruptions, context } = holding;
  const { id } = wanted;
  await way.ask(wanted);
  context.announce(`asked for ${describeAsked(wanted)}: ${id}`);
  const view = await waitForGrant(() => way.look(id), {
    timeoutMs,
    signal: interruptions.signal,
    say: (line) => context.announce(line),
  });
  if (view === undefined)
    return notRun(
      id,
      interruptions.exitCode,
      'INTERRUPTED',
      'interrupted before access was granted; the request is taken back',
    );
  const { lease } = view;
  if (view.status !== 'active' || lease === undefined) {
    for (const line of view.about) context.announce(line);
    return notRun(id, 1, 'NOT_GRANTED', `not granted: the request is ${view.status}`);
  }
  context.announce(`granted to ${lease.account} until ${new Date(lease.expiresAtMs).toISOString()}`);
  const env = environmentOf(wanted, lease, target, context.env);
  const child = startCommand(command, env, interruptions.atTerminal);
  interruptions.passTo((signal) => void child.end(signal));
  const over = new AbortController();
  const watching = untilGrantEnds(way, id, lease, over.signal).then(async (why) => {
    if (why === undefined) return;
    context.announce(`${why}; the command is told to end`);
    await child.end('SIGTERM');
  });
  const exitCode = await child.exitCode;
  over.abort();
  await watching;
  if (exitCode === 127 || exitCode === 126)
    context.announce(`${command[0]} cannot be run, or cannot run something`);
  return { exitCode, lines: [], data: { id, exitCode } };
}

/** Says why a grant is over before its command is, or nothing once the command has ended. */
async function untilGrantEnds(
  way: AccessWay,
  id: string,
  { expiresAtMs }: NonNullable<Seen['lease']>,
  signal: AbortSignal,
): Promise<string | undefined> {
  while (!signal.aborted) {
    const leftMs = expiresAtMs - Date.now();
    // Known from the lease alone, so that it holds also where no server answers.
    if (leftMs <= 0) return 'the grant has reached its end';
    await sleep(Math.min(LOOK_EVERY_MS, leftMs), undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return undefined;
    const view = await way.look(id).catch(() => undefined);
    if (view !== undefined && (view.status !== 'active' || view.ending !== undefined))
      return `the grant has ended (${view.ending ?? view.status})`;
  }
  return undefined;
}

const describeAsked = ({ entitlement: { connector, resource, action }, durationMs }: Wanted): string =>
  `${connector}:${resource}#${action}, ${sayDuration(durationMs)}`;

const notRun = (id: string, exitCode: number, code: string, message: string): Outcome => ({
  ...failed({ code, message }, { id, exitCode }),
  exitCode,
});
