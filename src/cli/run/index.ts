import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { formatDuration } from '../../contracts/duration';
import { type Context, type Run, withClient } from '../context';
import { parseDurationMs } from '../duration';
import { AS_HELP, KEY_HELP } from '../help';
import { type CommandResult, failed, usageError } from '../output';
import { findSigner } from '../signer';
import { type AccessBackend, byTemporal } from './backend';
import { startCommand } from './command';
import { environmentOf, type HolderTarget, holderTargetOf, preparedEnvironment } from './environment';
import { byGateway } from './gateway-backend';
import { checkOneCaller, type GatewayCallerOptions, knownGateway } from './gateway-source';
import type { GivenBack } from './give-back';
import { Interruptions } from './interruptions';
import { waitForGrant } from './waiting';
import { composeWanted, type Seen, type Wanted } from './wanted';

interface RunOptions extends GatewayCallerOptions {
  readonly entitlement: string;
  readonly for: string;
  readonly reason: string;
  readonly gateway?: string;
  readonly ticket?: string;
  readonly timeout: string;
}

const LOOK_EVERY_MS = 2_000;
const GIVE_BACK_WITHIN_MS = 30_000;

/** `countersign run … -- COMMAND`: access for as long as one command runs. */
export function define(command: Command, run: Run): void {
  command
    .argument('<command...>', 'the command, after --')
    .requiredOption('--entitlement <entitlement>', 'connector:resource#action')
    .requiredOption('--for <duration>', 'for how long at most, such as 15m')
    .requiredOption('--reason <text>', 'why; the approvers read it')
    .option('--as <principal>', `who asks, ${AS_HELP}`)
    .option('--key <file>', KEY_HELP)
    .option(
      '--gateway <url>',
      'ask this gateway instead of Temporal: with --as and --key, or as the identity that a token names',
    )
    .option('--token-file <file>', 'file of that token (default: the token of a GitHub Actions job)')
    .option('--ticket <ticket>', 'ticket that it belongs to')
    .option('--timeout <duration>', 'how long to wait for access', '1h')
    .action((command: string[], options: RunOptions) =>
      run((context) => runWithAccess(command, options, context)),
    );
}

async function runWithAccess(
  command: readonly string[],
  options: RunOptions,
  context: Context,
): Promise<CommandResult> {
  const timeoutMs = parseDurationMs(options.timeout, '--timeout');
  const wanted = composeWanted(options);
  const target = holderTargetOf(wanted.entitlement.connector, context.env);
  return withBackend(options, context, async (backend) => {
    const interruptions = new Interruptions(process.stdin.isTTY === true);
    const keeper = await backend.keep(wanted);
    try {
      return await holdAccess({ backend, wanted, target, command, timeoutMs, interruptions, context });
    } finally {
      const back = await backend.giveBack(wanted.id, GIVE_BACK_WITHIN_MS).catch((error: unknown) => ({
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

async function withBackend(
  options: RunOptions,
  context: Context,
  use: (backend: AccessBackend) => Promise<CommandResult>,
): Promise<CommandResult> {
  const { gateway, tokenFile } = options;
  checkOneCaller(options);
  // The configured gateway is for callers with a token. A caller with a key asks Temporal unless --gateway says otherwise.
  const address = gateway ?? (tokenFile === undefined ? undefined : context.settings.COUNTERSIGN_GATEWAY);
  if (address === undefined) {
    if (tokenFile !== undefined) throw usageError('--token-file: tokens are for a gateway; give --gateway');
    const signer = await findSigner(options, context);
    return withClient(context, (client) => use(byTemporal(client, signer.principal, signer.key)));
  }
  const known = await knownGateway(address, options, context);
  return use(await byGateway(known.gateway, known.source));
}

function sayGivenBack(back: GivenBack): string {
  if (back.gone) return `no access is left; the request is ${back.status}`;
  return `the access is not known to be gone (${back.why}); a keeper goes on trying, and it ends by itself at its end time`;
}

interface Holding {
  readonly backend: AccessBackend;
  readonly wanted: Wanted;
  readonly target: HolderTarget | undefined;
  readonly command: readonly string[];
  readonly timeoutMs: number;
  readonly interruptions: Interruptions;
  readonly context: Context;
}

async function holdAccess(holding: Holding): Promise<CommandResult> {
  const { backend, wanted, target, timeoutMs, interruptions, context } = holding;
  const { id } = wanted;
  await backend.ask(wanted);
  context.announce(`asked for ${describeAsked(wanted)}: ${id}`);
  const view = await waitForGrant(() => backend.look(id), {
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
    const { about, status, basis, failure } = view;
    for (const line of about) context.announce(line);
    const says = basis === 'server' ? ', says the server' : '';
    return notRun(id, 1, 'NOT_GRANTED', `not granted: the request is ${status}${says}`, {
      ...{ status, basis, about },
      ...(failure !== undefined && { failure }),
    });
  }
  const says =
    view.basis === 'server' ? ' (the server says; the access itself is what the target gives)' : '';
  context.announce(`granted to ${lease.account} until ${new Date(lease.expiresAtMs).toISOString()}${says}`);
  const plain = environmentOf(wanted, lease, target, context.env);
  const { env, clear } = await preparedEnvironment(plain, lease.account, target, (publicKey) =>
    backend.certificate(id, publicKey),
  );
  try {
    return await runCommand(env, lease, holding);
  } finally {
    clear();
  }
}

/** Runs the command until it ends, or its grant does. */
async function runCommand(
  env: Record<string, string>,
  lease: NonNullable<Seen['lease']>,
  { backend, wanted: { id }, command, interruptions, context }: Holding,
): Promise<CommandResult> {
  const child = startCommand(command, env, interruptions.atTerminal);
  interruptions.passTo((signal) => void child.end(signal));
  const over = new AbortController();
  const watching = untilGrantEnds(backend, id, lease, over.signal).then(async (why) => {
    if (why === undefined) return;
    context.announce(`${why}; stopping the command`);
    await child.end('SIGTERM');
  });
  const exitCode = await child.exitCode;
  over.abort();
  await watching;
  if (exitCode === 127 || exitCode === 126)
    context.announce(`${command[0]} cannot be run, or a program that it runs cannot`);
  return { exitCode, lines: [], data: { id, exitCode } };
}

/** Returns why the grant ended before its command did, or undefined once the command has ended. */
async function untilGrantEnds(
  backend: AccessBackend,
  id: string,
  { expiresAtMs }: NonNullable<Seen['lease']>,
  signal: AbortSignal,
): Promise<string | undefined> {
  while (!signal.aborted) {
    const leftMs = expiresAtMs - Date.now();
    // The lease alone says so, which also works if no server answers.
    if (leftMs <= 0) return 'the grant has reached its end';
    await sleep(Math.min(LOOK_EVERY_MS, leftMs), undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return undefined;
    const view = await lookUntil(expiresAtMs, () => backend.look(id));
    if (view !== undefined && (view.status !== 'active' || view.ending !== undefined))
      return `the grant has ended (${view.ending ?? view.status})`;
  }
  return undefined;
}

/** Returns what a look shows, or undefined if it fails or lasts until the end. Without a worker an answer takes long. */
async function lookUntil(endMs: number, look: () => Promise<Seen | undefined>): Promise<Seen | undefined> {
  const answered = new AbortController();
  const end = sleep(Math.max(0, endMs - Date.now()), undefined, { signal: answered.signal });
  try {
    return await Promise.race([look().catch(() => undefined), end.catch(() => undefined)]);
  } finally {
    answered.abort();
  }
}

const describeAsked = ({ entitlement: { connector, resource, action }, durationMs }: Wanted): string =>
  `${connector}:${resource}#${action}, ${formatDuration(durationMs)}`;

const notRun = (
  id: string,
  exitCode: number,
  code: string,
  message: string,
  more: object = {},
): CommandResult => ({
  ...failed({ code, message }, { id, exitCode, ...more }),
  exitCode,
});
