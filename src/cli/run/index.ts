import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import {
  type AccessRequest,
  type CountersignClient,
  type RequestView,
  type SigningKey,
  signSubmission,
} from '../../client';
import { describeIssues } from '../../contracts/problem';
import { accessRequestSchema } from '../../contracts/request';
import { type Context, withClient } from '../context';
import { parseDurationMs, sayDuration } from '../duration';
import { findSigningKey } from '../keys-lookup';
import { type Outcome, usageError } from '../output';
import { renderRequest } from '../render';
import { splitEntitlement } from '../request-file';
import { startCommand } from './command';
import { environmentOf, targetUrlOf } from './environment';
import { type GivenBack, giveBack, signFarewell } from './give-back';
import { Interruptions } from './interruptions';
import { startKeeper } from './keeper';
import { viewOf, waitForGrant } from './waiting';

interface RunOptions {
  readonly entitlement: string;
  readonly for: string;
  readonly reason: string;
  readonly as: string;
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
    .requiredOption('--as <principal>', 'who asks, for example ci/payments')
    .option('--key <file>', 'private key of who asks (default: the one that `up` made)')
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
  const request = compose(options, Date.now());
  const target = targetUrlOf(request.entitlement.connector, context.env);
  const key = await findSigningKey(options.as, options.key, context.settings.COUNTERSIGN_STATE_DIR);
  const interruptions = new Interruptions(process.stdin.isTTY === true);
  try {
    return await withClient(context, async (client) => {
      const farewell = await signFarewell(request, key);
      const keeper = startKeeper({ id: request.id, farewell, durationMs: request.durationMs });
      let outcome: Outcome;
      try {
        outcome = await holdAccess({
          client,
          request,
          key,
          target,
          command,
          timeoutMs,
          interruptions,
          context,
        });
      } finally {
        // Signed anew: a long command may have outlived what the keeper has.
        const back = await giveBack(
          client,
          request.id,
          await signFarewell(request, key),
          GIVE_BACK_WITHIN_MS,
        ).catch((error: unknown) => ({
          gone: false as const,
          why: error instanceof Error ? error.message : 'it failed',
        }));
        if (back.gone) keeper.dismiss();
        else keeper.takeOver();
        context.announce(sayGivenBack(back));
      }
      return outcome;
    });
  } finally {
    interruptions.forget();
  }
}

function sayGivenBack(back: GivenBack): string {
  if (back.gone) return `no access is left; the request is ${back.status}`;
  return `the access is not known to be gone (${back.why}); a keeper goes on trying, and it ends by itself at its end time`;
}

interface Holding {
  readonly client: CountersignClient;
  readonly request: AccessRequest;
  readonly key: SigningKey;
  readonly target: URL | undefined;
  readonly command: readonly string[];
  readonly timeoutMs: number;
  readonly interruptions: Interruptions;
  readonly context: Context;
}

async function holdAccess(holding: Holding): Promise<Outcome> {
  const { client, request, key, target, command, timeoutMs, interruptions, context } = holding;
  const { id } = request;
  await client.submit(await signSubmission(request, key));
  context.announce(`asked for ${describeAsked(request)}: ${id}`);
  const view = await waitForGrant(client, id, {
    timeoutMs,
    signal: interruptions.signal,
    say: (line) => context.announce(line),
  });
  if (view === undefined)
    return failed(
      id,
      interruptions.exitCode,
      'interrupted before access was granted; the request is taken back',
    );
  const { lease } = view;
  if (view.status !== 'active' || lease === undefined) {
    for (const line of renderRequest(view, Date.now())) context.announce(line);
    return failed(id, 1, `not granted: the request is ${view.status}`);
  }
  context.announce(`granted to ${lease.account} until ${new Date(lease.expiresAtMs).toISOString()}`);
  const env = environmentOf(request, lease, target, context.env);
  const child = startCommand(command, env, interruptions.atTerminal);
  interruptions.passTo((signal) => void child.end(signal));
  const over = new AbortController();
  const watching = untilGrantEnds(client, id, lease, over.signal).then(async (why) => {
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
  client: CountersignClient,
  id: string,
  { expiresAtMs }: NonNullable<RequestView['lease']>,
  signal: AbortSignal,
): Promise<string | undefined> {
  while (!signal.aborted) {
    const leftMs = expiresAtMs - Date.now();
    // Known from the lease alone, so that it holds also where no server answers.
    if (leftMs <= 0) return 'the grant has reached its end';
    await sleep(Math.min(LOOK_EVERY_MS, leftMs), undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return undefined;
    const view = await viewOf(client, id).catch(() => undefined);
    if (view !== undefined && (view.status !== 'active' || view.ending !== undefined))
      return `the grant has ended (${view.ending ?? view.status})`;
  }
  return undefined;
}

function compose(
  { entitlement, as, reason, ticket, for: duration }: RunOptions,
  nowMs: number,
): AccessRequest {
  if (!/^[^:#]+:[^:#]+#[^#]+$/.test(entitlement))
    throw usageError(
      `--entitlement: ${JSON.stringify(entitlement)} is not of the form connector:resource#action`,
    );
  const checked = accessRequestSchema.safeParse({
    id: randomUUID(),
    kind: 'access',
    requester: as,
    beneficiary: as,
    entitlement: splitEntitlement(entitlement),
    durationMs: parseDurationMs(duration, '--for'),
    emergency: false,
    reason,
    ...(ticket !== undefined && { ticket }),
    onBehalfOf: [],
    submittedAtMs: nowMs,
  });
  if (!checked.success) throw usageError(describeIssues(checked.error, 'request'));
  return checked.data;
}

const describeAsked = ({ entitlement: { connector, resource, action }, durationMs }: AccessRequest): string =>
  `${connector}:${resource}#${action}, ${sayDuration(durationMs)}`;

const failed = (id: string, exitCode: number, error: string): Outcome => ({
  exitCode,
  lines: [],
  data: { id, exitCode, error },
});
