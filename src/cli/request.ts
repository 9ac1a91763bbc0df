import type { Command } from 'commander';
import { type RequestView, signSubmission } from '../client';
import { STATUSES } from '../domain/state';
import { type Context, withClient } from './context';
import { parseDurationMs } from './duration';
import { findSigningKey } from './keys-lookup';
import { done, type Outcome, usageError } from './output';
import { renderRequest, renderRows } from './render';
import { readRequestFile } from './request-file';

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
    .argument('<file>', 'request in YAML or JSON; a signed submission is sent as it is')
    .option('--key <file>', "the requester's private key (default: the one that `up` made)")
    .option('--wait', 'wait until it is decided and, where granted, until access is there')
    .option('--timeout <duration>', 'how long to wait', '10m')
    .action((file: string, options: SubmitOptions) => run((context) => submit(file, options, context)));
  request
    .command('show')
    .argument('<id>')
    .action((id: string) => run((context) => show(id, context)));
  request
    .command('list')
    .option('--status <status>', `one of ${STATUSES.join(', ')}`)
    .option('--awaiting <who>', 'principal that is awaited')
    .option('--limit <n>', 'rows at most', '100')
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

function show(id: string, context: Context): Promise<Outcome> {
  return withClient(context, async (client) => {
    const view = await client.get(id);
    return done({ id, ...view }, ...renderRequest(view, Date.now()));
  });
}

function list(
  options: { status?: string; awaiting?: string; limit: string },
  context: Context,
): Promise<Outcome> {
  const status = STATUSES.find((known) => known === options.status);
  if (options.status !== undefined && status === undefined)
    throw usageError(`--status: ${JSON.stringify(options.status)} is none of ${STATUSES.join(', ')}`);
  const { awaiting } = options;
  return withClient(context, async (client) => {
    const rows = await client.list({
      ...(status && { status }),
      ...(awaiting !== undefined && { awaiting }),
      limit: Number(options.limit),
    });
    return done(rows, ...renderRows(rows, Date.now()));
  });
}
