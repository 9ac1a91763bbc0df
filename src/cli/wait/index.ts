import { setTimeout as sleep } from 'node:timers/promises';
import { type Command, Option } from 'commander';
import { formatDuration } from '../../contracts/duration';
import { requestId } from '../../contracts/request';
import { Requester, type RequestStanding } from '../../enforcement';
import type { Context, Run } from '../context';
import { parseDurationMs } from '../duration';
import { AS_HELP, addExamples, KEY_HELP } from '../help';
import { JOB_LOGS, type JobLog, jobLogOf } from '../job-log';
import { type CommandResult, usageError } from '../output';
import { lookAt, sayAwaited } from '../run/gateway-backend';
import { checkOneCaller, type GatewayCallerOptions, knownGateway } from '../run/gateway-source';
import { credentialOf } from '../run/token-source';
import { EXIT_CODES, type Outcome, outcomeOf } from './outcome';
import { reported } from './report';

interface WaitOptions extends GatewayCallerOptions {
  readonly gateway?: string;
  readonly timeout: string;
  readonly log?: JobLog;
}

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 3_000;
/** What is decided and not yet proved is looked at again for this long. */
const PROVE_WITHIN_MS = 15_000;

/** `countersign wait ID`: until it is decided, for a step of a CI job. */
export function define(command: Command, run: Run): void {
  command
    .argument('<id>', 'the whole id of the request')
    .option('--gateway <url>', 'ask this gateway (default: COUNTERSIGN_GATEWAY)')
    .option('--as <principal>', `who asks the gateway with a registered key, ${AS_HELP}`)
    .option('--key <file>', KEY_HELP)
    .option('--token-file <file>', 'file of a token (default: the token of a GitHub Actions job)')
    .option('--timeout <duration>', 'how long to wait; the request goes on afterwards', '1h')
    .addOption(
      new Option(
        '--log <format>',
        'format of the summary (default: that of the CI system whose job this is)',
      ).choices(JOB_LOGS),
    )
    .addHelpText(
      'after',
      '\nExit codes: 0 approved, 1 it could not be found out, 2 wrong usage, 3 not approved, 4 nobody decided in time,\n5 still undecided after --timeout.',
    )
    .action((id: string, options: WaitOptions) => run((context) => wait(id, options, context)));
  addExamples(
    command,
    ['wait 0b51c7b2-5d5c-4a43-9d3a-9f6f1e0f0a11 --gateway https://countersign.example.com'],
    ['wait "$ID" --token-file job.token --timeout 4h', 'with COUNTERSIGN_GATEWAY set'],
  );
}

async function wait(id: string, options: WaitOptions, context: Context): Promise<CommandResult> {
  const timeoutMs = parseDurationMs(options.timeout, '--timeout');
  if (!requestId.safeParse(id).success)
    throw usageError(`${JSON.stringify(id)} is not the whole id of a request`);
  checkOneCaller(options);
  const address = options.gateway ?? context.settings.COUNTERSIGN_GATEWAY;
  if (address === undefined) throw usageError('give --gateway, or set COUNTERSIGN_GATEWAY');
  const { gateway, source } = await knownGateway(address, options, context);
  const requester = await Requester.at({ gateway, credential: await credentialOf(source, gateway) });
  const { standing, outcome } = await untilDecided(() => lookAt(requester, id), timeoutMs, context);
  const page = `${gateway}/requests/${encodeURIComponent(id)}`;
  const about = { id, page, standing, outcome, exitCode: EXIT_CODES[outcome.ending] };
  return reported(about, options.log ?? jobLogOf(context.env), context);
}

interface Waited {
  /** Undefined if the gateway never answered. */
  readonly standing?: RequestStanding | undefined;
  readonly outcome: Outcome;
}

/** Looks until the request is decided or the time is over. A gateway that does not answer is asked again. */
async function untilDecided(
  look: () => Promise<RequestStanding | undefined>,
  timeoutMs: number,
  context: Context,
): Promise<Waited> {
  const untilMs = Date.now() + timeoutMs;
  let said = '';
  let unprovedSinceMs: number | undefined;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 1.5, LONGEST_PAUSE_MS)) {
    const standing = await look();
    const outcome = standing && outcomeOf(standing);
    if (outcome !== undefined) {
      const unproved = outcome.ending === 'unknown' && standing?.gone === undefined;
      if (unproved) unprovedSinceMs ??= Date.now();
      else return { standing, outcome };
      if (Date.now() - (unprovedSinceMs ?? 0) > PROVE_WITHIN_MS) return { standing, outcome };
    }
    const line = standing === undefined ? 'the gateway has not answered yet' : sayAwaited(standing);
    if (line !== said) {
      said = line;
      context.announce(line);
    }
    if (Date.now() + pauseMs > untilMs) {
      const within = formatDuration(timeoutMs);
      if (standing === undefined)
        return { outcome: { ending: 'unknown', says: `the gateway does not answer after ${within}` } };
      if (outcome !== undefined) return { standing, outcome };
      return {
        standing,
        outcome: { ending: 'undecided', says: `undecided after ${within}; the request goes on` },
      };
    }
    await sleep(pauseMs);
  }
}
