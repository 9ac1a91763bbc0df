import type { Command } from 'commander';
import { type RequestView, signSubmission } from '../client';
import { isPrincipalId } from '../domain/principal';
import { STATUSES } from '../domain/state';
import { type Context, withClient } from './context';
import { parseDurationMs } from './duration';
import { findSigningKey } from './keys-lookup';
import { parseWhole } from './number';
import { done, type Outcome, usageError } from './output';
import { renderRequest, renderRows } from './render';
import { readRequestFile } from './request-file';
import { checkRequestId } from './request-id';

interface SubmitOptions {
  readonly key?: string;
  readonly wait?: boolean;
  readonly timeout: string;
}

/** `countersign request submit | show | list` */
export function registerRequest(
  program: Command,
  run: (work: (context: Context) => Promise<Outcome>) => void,
): void {
  const request = program.command('request').description('ask for access, look at requests');
  request
    .command('submit')
    .description('sign a request and ask for it; prints its id')
    .argument('<file>', 'request in YAML or JSON; a signed submission is sent as it is')
    .option('--key <file>', "the requester's private key (default: the one that `up` made)")
    .option('--wait', 'wait until it is decided and, where granted, until access is there')
    .option('--timeout <duration>', 'how long to wait', '10m')
    .action((file: string, options: SubmitOptions) => run((context) => submit(file, options, context)));
  request
    .command('show')
    .description('say what a request is, where it stands, and what happens next')
    .argument('<id>', 'request id')
    .action((id: string) => run((context) => show(id, context)));
  request
    .command('list')
    .description('list requests, newest first')
    .option('--status <status>', `one of ${STATUSES.join(', ')}`)
    .option('--awaiting <who>', 'principal that is awaited')
    .option('--limit <n>', 'rows at most, up to 1000', '100')
    .action((options: { status?: string; awaiting?: string; limit: string }) =>
      run((context) => list(options, context)),
    );
}

async function submit(file: string, options: SubmitOptions, context: Context): Promise<Outcome> {
  const timeoutMs = parseDurationMs(options.timeout, '--timeout');
  const read = await readRequestFile(file, Date.now());
  const submission = read.signed
    ? read.submission
    : await signSubmission(
        read.request,
        await findSigningKey(read.request.requester, options.key, context.settings.COUNTERSIGN_STATE_DIR),
      );
  return withClient(context, async (client) => {
    const id = await client.submit(submission);
    if (!options.wait) return done({ id }, id);
    context.announce(`submitted ${id}; waiting`);
    const view = await client.waitForDecision(id, { timeoutMs });
    return {
      exitCode: wasGranted(view) ? 0 : 1,
      lines: renderRequest(view, Date.now()),
      data: { id, ...view },
    };
  });
}

/** Access was given, even if it is over by now. */
const wasGranted = (view: RequestView): boolean => view.lease !== undefined;

async function show(id: string, context: Context): Promise<Outcome> {
  checkRequestId(id);
  return withClient(context, async (client) => {
    const view = await client.get(id);
    return done({ id, ...view }, ...renderRequest(view, Date.now()));
  });
}

async function list(
  options: { status?: string; awaiting?: string; limit: string },
  context: Context,
): Promise<Outcome> {
  const status = STATUSES.find((known) => known === options.status);
  if (options.status !== undefined && status === undefined)
    throw usageError(`--status: ${JSON.stringify(options.status)} is none of ${STATUSES.join(', ')}`);
  const { awaiting } = options;
  if (awaiting !== undefined && !isPrincipalId(awaiting))
    throw usageError(`--awaiting: ${JSON.stringify(awaiting)} is not a principal id such as person/mira`);
  const limit = parseWhole(options.limit, '--limit', 1, 1_000);
  return withClient(context, async (client) => {
    const rows = await client.list({
      ...(status && { status }),
      ...(awaiting !== undefined && { awaiting }),
      limit,
    });
    return done(rows, ...renderRows(rows, Date.now()));
  });
}
