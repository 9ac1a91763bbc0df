import { formatDuration } from '../../contracts/duration';
import { entitlementName } from '../../domain/request';
import type { RequestStanding } from '../../enforcement';
import type { Context } from '../context';
import { harmlessIn, type JobLog } from '../job-log';
import { addToStepSummary } from '../job-log/github';
import { section } from '../job-log/gitlab';
import { type CommandResult, printable } from '../output';
import { aboutOf, sayAwaited } from '../run/gateway-backend';
import type { Outcome } from './outcome';

/** What is reported of a request after waiting for it. */
export interface Waited {
  readonly id: string;
  /** The page of the request at the gateway. */
  readonly page: string;
  readonly standing?: RequestStanding | undefined;
  readonly outcome: Outcome;
  readonly exitCode: number;
}

/** Makes the result of the command, and adds to the summary of a GitHub step. */
export function reported(
  { id, page, standing, outcome, exitCode }: Waited,
  log: JobLog,
  context: Context,
): CommandResult {
  const headline = `request ${id}: ${outcome.says}`;
  const lines = [...linesAbout(standing), `page: ${page}`].map((line) => harmlessIn(log, printable(line)));
  if (log === 'github') {
    const heading = `Countersign: ${outcome.ending.replace('_', ' ')}`;
    const trouble = addToStepSummary({ heading, page, lines: [printable(headline), ...lines] }, context.env);
    if (trouble !== undefined) context.announce(`no step summary: ${trouble}`);
  }
  const first = harmlessIn(log, printable(headline));
  return {
    exitCode,
    lines:
      log === 'gitlab' ? section(first, lines, Date.now()) : [first, ...lines.map((line) => `  ${line}`)],
    data: {
      id,
      outcome: outcome.ending,
      status: standing?.status ?? null,
      exitCode,
      page,
      says: outcome.says,
    },
  };
}

function* linesAbout(standing: RequestStanding | undefined): Generator<string> {
  if (standing === undefined) return;
  const { request, account, until } = standing;
  const { requester, beneficiary, entitlement, durationMs, reason, ticket } = request;
  const whom = beneficiary === requester ? '' : ` for ${beneficiary}`;
  yield `asked by ${requester}${whom}: ${entitlementName(entitlement)}, ${formatDuration(durationMs)}`;
  yield `reason: ${JSON.stringify(reason)}`;
  if (ticket !== undefined) yield `ticket: ${JSON.stringify(ticket)}`;
  yield* aboutOf(standing);
  if (standing.status === 'awaiting_approval') yield sayAwaited(standing);
  if (account !== undefined && until !== undefined) yield `access of ${account} until ${until}`;
}
