import type { CallToolResult } from '@modelcontextprotocol/server';
import { ZodError } from 'zod';
import { describeIssues } from '../contracts/problem';
import { sayDecision, sayQuorum } from '../contracts/progress';
import type { RemedyOnWire } from '../contracts/remedy';
import { entitlementName } from '../domain/request';
import { GatewayError } from '../enforcement/gateway-error';
import type { RequestStanding } from '../enforcement/requester';

/** An answer to an agent. `next` is always present: what happens now, and what to do. */
export interface Answer {
  readonly next: string;
  readonly [member: string]: unknown;
}

/** Converts an answer to a tool result. Text and structured content are the same, for clients that read only one of them. */
export function toolResult(answer: Answer, isError = false): CallToolResult {
  const structuredContent = { ...answer };
  return {
    content: [{ type: 'text', text: JSON.stringify(structuredContent, undefined, 1) }],
    structuredContent,
    ...(isError && { isError }),
  };
}

/** Converts an error to a tool result: one line that says what to do, without a stack. */
export function failure(error: unknown): CallToolResult {
  if (error instanceof GatewayError) {
    const code = error.code ?? (error.status === 0 ? error.type : String(error.status));
    return toolResult({ error: code, detail: error.message, next: afterProblem(code, error.status) }, true);
  }
  if (error instanceof ZodError)
    return toolResult(
      { error: 'INVALID', detail: describeIssues(error, 'request'), next: 'Correct it and call again.' },
      true,
    );
  return toolResult(
    {
      error: 'UNREACHABLE',
      detail: 'the gateway did not answer',
      next: 'The gateway may have received the call. Call wait to see the status of the request before you call again.',
    },
    true,
  );
}

function afterProblem(code: string, status: number): string {
  if (code === 'NOT_AUTHORISED')
    return 'It is not approved. Call wait for this request; there is a token only after sign-off.';
  if (code === 'EXECUTOR_AWAY') return 'Nothing was executed. Call execute again later.';
  if (code === 'NOT_NOW') return 'Nothing was executed. The detail says why; call again then.';
  if (code === 'REPLAYED')
    return 'The token has been used, and works only once. To repeat the action, propose it again.';
  if (status === 404) return 'Check the id; you only see your own requests.';
  if (status === 429 || status === 503) return 'Try again later.';
  return 'Do not look for a way around it. Call list_requestable, and ask for something listed there.';
}

/** Describes the status of a request to an agent. */
export function describeStanding(standing: RequestStanding): Answer {
  const { request, status, policy, awaiting, account, until, safe_way: safeWay, failure: why } = standing;
  const { proof } = standing;
  if (proof?.holds === false)
    return {
      request: request.id,
      status: 'not proved',
      server_says: status,
      why: proof.why,
      next: 'What the server says of this request is not proved, so do not rely on it. Call wait again later; if it stays so, ask again and tell an operator.',
    };
  return {
    request: request.id,
    entitlement: entitlementName(request.entitlement),
    status,
    ...(standing.gone && { workflow_gone: standing.gone.says }),
    ...(policy && {
      policy: {
        ...{ outcome: policy.outcome, codes: policy.reason_codes, why: policy.explanation },
        ...(policy.remedy && { remedy: policy.remedy }),
      },
    }),
    ...(awaiting.length > 0 && { awaiting }),
    ...(standing.quorum && { quorum: standing.quorum }),
    ...(standing.decisions && { decisions: standing.decisions }),
    ...(standing.waiting_since !== undefined && { waiting_since: standing.waiting_since }),
    ...(standing.next && { deadline: standing.next }),
    ...(account !== undefined && { account }),
    ...(until !== undefined && { until }),
    ...(why && { failure: why }),
    ...(safeWay !== undefined && { safe_way: safeWay }),
    ...(standing.execution?.outcome !== undefined && { outcome: standing.execution.outcome }),
    next: nextOf(standing),
  };
}

/** Who ended it, when and why, in a sentence. Undefined if the gateway does not say. */
function sayEnd({ decisions }: RequestStanding, verb: string): string | undefined {
  const ended = decisions?.findLast((one) => one.verb === verb);
  if (ended === undefined) return undefined;
  const { at, reason_code: reasonCode, ...rest } = ended;
  return `It was ${sayDecision({ ...rest, atMs: Date.parse(at), reasonCode })}`;
}

function nextOf(standing: RequestStanding): string {
  const { status, awaiting, request, account, until, safe_way: safeWay, gone } = standing;
  if (gone !== undefined)
    return 'Somebody ended the workflow of this request from outside, so nothing more comes of it. Tell an operator, and ask again if you need the access.';
  switch (status) {
    case 'hard_stopped':
      return `This can never be approved, by anyone or in any other words; do not ask again. ${
        safeWay === undefined
          ? 'Call list_requestable to see what you can request.'
          : `The safe way: ${safeWay}`
      }`;
    case 'refused':
      return afterRefusal(standing);
    case 'awaiting_approval':
      return `People decide: ${standing.quorum === undefined ? awaiting.join(' or ') : sayQuorum(standing.quorum)}. The request is in their own list; call wait, and do not ask them to hurry. The request continues without you.`;
    case 'active':
      if (request.kind === 'access')
        return `You have access${account === undefined ? '' : ` as ${account}`} until ${until ?? 'its end'}. Call give_back as soon as you are done.`;
      return standing.execution?.outcome !== undefined
        ? `Outcome: ${standing.execution.outcome}. The approval is used up; to repeat the action, propose it again.`
        : 'It is approved, exactly as proposed, once. Call execute or fetch_token.';
    case 'denied':
      return `${sayEnd(standing, 'deny') ?? 'A person denied it'}. Do what the reason asks, or ask for something else; if you ask for the same again, the same people decide, and the repeat is counted.`;
    case 'cancelled':
      return `${sayEnd(standing, 'cancel') ?? 'A process owner cancelled it'}. If you still need it, ask again.`;
    case 'failed':
      return 'It was approved, but could not be carried out. The failure says why.';
    case 'submitted':
    case 'assessing':
    case 'approved':
    case 'provisioning':
      return 'It is in progress. Call wait.';
    default:
      return 'It is over. If you need it again, ask again.';
  }
}

/** What to do about a refusal by policy, by its reason codes. What is not in the list is answered by what else can be requested. */
const AFTER_REFUSAL: Readonly<Record<string, string>> = {
  ASKED_TOO_OFTEN: 'Do not ask again now. If it was denied, do what the denial asks for first.',
  REVIEW_OVERDUE:
    'A person owes a review of an earlier emergency; you cannot change that. Say so to whom you work for.',
  TOO_MANY_EMERGENCIES: 'Ask again without emergency_condition.',
  EMERGENCY_NOT_NAMED:
    'Ask again with one of those conditions, if it is true, or without emergency_condition.',
  OUTLIVES_IDENTITY: 'Ask again for less time.',
  DURATION_NOT_BOUNDED: 'Ask again with a positive number of minutes.',
  NO_ACCOUNT_ON_TARGET:
    'No request can change that: the directory has no account for you there. Tell your owner.',
  NOBODY_CAN_APPROVE: 'No request can change that: the policy has too few approvers. Tell your owner.',
  INACTIVE_IDENTITY: 'No request can change that: it is not in force in the directory. Tell your owner.',
  MALFORMED_REQUEST: 'Correct what is missing and propose it again with propose_action.',
  NOT_SUPPORTED: 'Use the other tool: request_access for kind "access", propose_action for kind "execution".',
};

function afterRefusal({ policy }: RequestStanding): string {
  const refused = 'Policy refuses it; nobody will be asked.';
  if (policy?.remedy !== undefined) return `${refused} ${askAgain(policy.remedy)}`;
  const [known] = (policy?.reason_codes ?? []).flatMap((code) => AFTER_REFUSAL[code] ?? []);
  return `${refused} ${known ?? 'Call list_requestable to see what you can request.'}`;
}

function askAgain({ ticket, at_most_ms: atMostMs, asked_by: askedBy, words }: RemedyOnWire): string {
  if (askedBy !== undefined)
    return `You cannot get it by asking again. What would change the answer: ${words}. Tell whom you work for.`;
  const parts = [
    ticket === undefined ? [] : 'with the ticket that it belongs to (do not make one up)',
    atMostMs === undefined ? [] : `for at most ${atMostMs / 60_000} minutes`,
  ];
  return `Ask again ${parts.flat().join(' and ')}.`;
}
