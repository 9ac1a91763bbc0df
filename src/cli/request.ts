import { type Command, Option } from 'commander';
import { findingsAbout, type RecordedFinding } from '../audit/evidence/recorded-findings';
import type { RequestRow, RequestView } from '../client';
import { CountersignError } from '../contracts/error';
import { isPrincipalId } from '../domain/principal';
import { STATUSES, type Status } from '../domain/status';
import type { Remains } from '../verified/gone';
import type { VerifiedList } from '../verified/verified-requests';
import { targetsOf } from './audit/source';
import type { Context, Run } from './context';
import { goneLine, remainsOf, sayRemains } from './gone';
import { AS_HELP, addExamples, GATEWAY_HELP, ID_HELP, KEY_HELP } from './help';
import { MOMENT_HELP } from './moment';
import { parseWhole } from './number';
import { type CommandResult, done, printable, UserError, usageError } from './output';
import { renderRows } from './render';
import { checkRequestId, resolveRequestId } from './request-id';
import { shown } from './request-shown';
import { type SubmitOptions, submit } from './request-submit';
import { type GatewayOption, type Requests, withRequests } from './requests';
import type { SignerOptions } from './signer';

/** `countersign request submit | show | list` */
export function define(command: Command, run: Run): void {
  const submitting = command
    .command('submit')
    .description('sign a request for access and submit it; prints its id')
    .argument(
      '[file]',
      'request in YAML or JSON; options replace what it says; a signed submission is sent as it is',
    )
    .option('--entitlement <entitlement>', 'what is asked for: connector:resource#action')
    .option('--for <duration>', 'for how long, such as 15m')
    .option(
      '--at <time>',
      `when access begins at the earliest: ${MOMENT_HELP} (default: when it is approved)`,
    )
    .option('--reason <text>', 'why; the approvers read it')
    .option('--ticket <ticket>', 'ticket that it belongs to')
    .option('--as, --requester <principal>', `who asks and signs, ${AS_HELP}`)
    .option('--key <file>', KEY_HELP)
    .option('--beneficiary <principal>', 'who gets the access (default: who asks)')
    .option('--emergency <condition>', 'emergency access, under a condition that policy names')
    .option('--offered <id>', 'take what was offered when this request of yours was denied')
    .option('--wait', 'wait for the decision and, if access begins at once, until it is there')
    .option('--timeout <duration>', 'how long to wait', '10m')
    .option('--gateway <url>', GATEWAY_HELP)
    .action((file: string | undefined, options: SubmitOptions) =>
      run((context) => submit(file, options, context)),
    );
  addExamples(
    submitting,
    ['request submit request.yaml --wait'],
    ['request submit --offered dc933e65', 'take what was offered when it was denied'],
    [
      'request submit --as ci/payments --entitlement warehouse:payments#write \\\n      --for 15m --reason "deploy migration 42"',
    ],
    [
      'request submit request.yaml --at 2026-11-28T02:00[Europe/Berlin]',
      'ask now for the maintenance window',
    ],
  );
  const showing = command
    .command('show')
    .description('show what a request asks for, its status, and what happens next')
    .argument('<id>', ID_HELP);
  addReaderOptions(showing).action((id: string, options: ReaderOptions) =>
    run((context) => show(id, options, context)),
  );
  addExamples(showing, ['request show dc933e65']);
  const listing = command
    .command('list')
    .description('list requests, newest first')
    .addOption(new Option('--status <status>', 'only requests with this status').choices(STATUSES))
    .option('--awaiting <who>', 'only requests that wait for this principal')
    .option('--limit <n>', 'rows at most, up to 1000', '100');
  addReaderOptions(listing).action((options: ListOptions) => run((context) => list(options, context)));
  addExamples(listing, ['request list --status awaiting_approval'], ['request list --awaiting person/mira']);
}

type ReaderOptions = GatewayOption & SignerOptions;

/** A gateway shows a request to those whom it concerns, so it has to know who asks. Temporal asks nobody. */
const addReaderOptions = (command: Command): Command =>
  command
    .option('--gateway <url>', GATEWAY_HELP)
    .option('--as <principal>', `who asks the gateway, ${AS_HELP}`)
    .option('--key <file>', KEY_HELP);

async function show(typedId: string, options: ReaderOptions, context: Context): Promise<CommandResult> {
  checkRequestId(typedId);
  return withRequests(context, { ...options, reads: true }, async (client) => {
    const id = await resolveRequestId(client, typedId);
    const read = await client.read(id).catch((error: unknown) => {
      if (error instanceof UserError && error.code === 'WORKFLOW_GONE') return error;
      if (!(error instanceof CountersignError) || !UNREAD.includes(error.code)) throw error;
      return error;
    });
    // A gateway says it in its refusal: no view of the request is left.
    if (read instanceof UserError) {
      const says = read.message.replace(/^WORKFLOW_GONE: the workflow is gone: /, '');
      return done({ id, gone: { says } }, id, printable(goneLine(says)));
    }
    const remains = await remainsBehind(
      id,
      read instanceof CountersignError ? undefined : read.view,
      client,
      context,
    );
    if (!(read instanceof CountersignError))
      return shown(id, read, context, await foundOnTarget(id, read.view, context), remains);
    if (remains === undefined || (remains.lease ?? remains.grant) === undefined) throw read;
    return done({ id, gone: remains }, id, ...[...sayRemains(remains, Date.now())].map(printable));
  });
}

/** No workflow, or none that answers as the request. */
const UNREAD: readonly string[] = ['NOT_FOUND', 'NOT_ANSWERING'];

/** What is left of a request whose workflow is gone. A gateway says it with the request. */
async function remainsBehind(
  id: string,
  view: RequestView | undefined,
  { temporal }: Requests,
  context: Context,
): Promise<Remains | undefined> {
  return temporal && remainsOf(id, view?.digest, temporal, context);
}

/** What was found on the target about a request's access and what came after it. Empty where the target is not set or cannot be read. */
async function foundOnTarget(
  id: string,
  { submission, lease, held }: RequestView,
  context: Context,
): Promise<readonly RecordedFinding[]> {
  if (submission === undefined || (lease ?? held) === undefined) return [];
  const { connector } = submission.request.entitlement;
  return (await findingsAbout(connector, id, targetsOf(context))).findings;
}

interface ListOptions extends ReaderOptions {
  readonly status?: Status;
  readonly awaiting?: string;
  readonly limit: string;
}

async function list(
  { status, awaiting, limit: rowsAtMost, ...reader }: ListOptions,
  context: Context,
): Promise<CommandResult> {
  if (awaiting !== undefined && !isPrincipalId(awaiting))
    throw usageError(`--awaiting: ${JSON.stringify(awaiting)} is not a principal id such as person/mira`);
  const limit = parseWhole(rowsAtMost, '--limit', 1, 1_000);
  return withRequests(context, { ...reader, reads: true }, async (client) => {
    const { temporal } = client;
    const narrowed = { ...(status && { status }), ...(awaiting !== undefined && { awaiting }) };
    if (temporal === undefined) return listed(await client.list({ ...narrowed, limit }), context);
    const { CliVerifier } = await import('./verified.js');
    const verifier = await CliVerifier.open(context, temporal);
    if (typeof verifier === 'string') {
      context.announce(`not verified: ${verifier}`);
      return listed(await client.list({ ...narrowed, limit }), context);
    }
    if (awaiting === undefined)
      return listed(withMarked(await verifier.withStatus(status, limit), limit), context);
    const { rows, withheld, isWhole } = await verifier.awaiting(awaiting, limit);
    if (withheld.length > 0) context.announce(printable(sayWithheld(withheld)));
    if (!isWhole)
      context.announce('the server lists more than could be verified in time; list again to go on');
    return listed(
      rows.filter((row) => status === undefined || row.status === status),
      context,
    );
  });
}

/** Adds what the server lists and could not be proved, in the order of the server's list. Each row says what it rests on. */
function withMarked({ rows, withheld }: VerifiedList, limit: number): readonly RequestRow[] {
  const startedAtMs = ({ startedAt }: RequestRow) => startedAt?.getTime() ?? 0;
  return [...rows, ...withheld.map((one) => one.listed)]
    .toSorted((a, b) => startedAtMs(b) - startedAtMs(a))
    .slice(0, limit);
}

function listed(rows: readonly RequestRow[], { terminal }: Context): CommandResult {
  const unproved = rows.filter(({ basis }) => basis === 'server').length;
  const mark =
    unproved === 0
      ? []
      : [
          `${unproved} as the server lists ${unproved === 1 ? 'it' : 'them'} (marked ?), which is not proof; countersign request show ID says why`,
        ];
  const gone = rows.filter(({ broken }) => broken !== undefined).length;
  const lost =
    gone === 0
      ? []
      : [
          `${gone} gone: the workflow was ended from outside; countersign request show ID says what became of the access`,
        ];
  return done(rows, ...renderRows(rows, Date.now(), terminal), ...mark, ...lost);
}

const sayWithheld = (withheld: readonly { readonly id: string; readonly why: string }[]): string => {
  const some = withheld.slice(0, 3).map(({ id, why }) => `${id} (${why})`);
  const more = withheld.length > 3 ? ` and ${withheld.length - 3} more` : '';
  return `left out, because they do not verify: ${some.join('; ')}${more}`;
};
