import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import { ZodError } from 'zod';
import { describeIssues } from '../contracts/problem';
import { entitlementName } from '../domain/request';
import { GatewayError } from '../enforcement/gateway-error';
import type { Standing } from '../enforcement/requester';

/** An answer to an agent. `next` is always there: what happens now, and what there is to do. */
export interface Answer {
  readonly next: string;
  readonly [member: string]: unknown;
}

/** As a tool result: the same in text and in structure, for clients that read only one of them. */
export function toolResult(answer: Answer, isError = false): CallToolResult {
  const structuredContent = { ...answer };
  return {
    content: [{ type: 'text', text: JSON.stringify(structuredContent, undefined, 1) }],
    structuredContent,
    ...(isError && { isError }),
  };
}

/** Whatever went wrong, in one line that says what to do, and no stack. */
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
      next: 'It is not known whether it has taken this. Call wait to see where the request stands before you call again.',
    },
    true,
  );
}

function afterProblem(code: string, status: number): string {
  if (code === 'NOT_AUTHORISED')
    return 'It is not approved. Call wait for this request; the token exists only after sign-off.';
  if (code === 'EXECUTOR_AWAY') return 'Nothing was executed. Call execute again in a while.';
  if (code === 'NOT_NOW') return 'Nothing was executed. The detail says why; call again then.';
  if (code === 'REPLAYED')
    return 'It has been used, and is used only once. To do it again, propose it again.';
  if (status === 404) return 'Check the id; only your own requests can be seen.';
  if (status === 429 || status === 503) return 'Try again in a while.';
  return 'Do not try another way around it. Look up what can be requested, and ask for that.';
}

/** Where a request stands, in an agent's terms. */
export function describeStanding(standing: Standing): Answer {
  const { request, status, policy, awaiting, until, safe_way: safeWay, failure: why } = standing;
  return {
    request: request.id,
    entitlement: entitlementName(request.entitlement),
    status,
    ...(policy && {
      policy: { outcome: policy.outcome, codes: policy.reason_codes, why: policy.explanation },
    }),
    ...(awaiting.length > 0 && { awaiting }),
    ...(standing.waiting_since !== undefined && { waiting_since: standing.waiting_since }),
    ...(standing.next && { deadline: standing.next }),
    ...(until !== undefined && { until }),
    ...(why && { failure: why }),
    ...(safeWay !== undefined && { safe_way: safeWay }),
    ...(standing.execution?.outcome !== undefined && { outcome: standing.execution.outcome }),
    next: nextOf(standing),
  };
}

function nextOf(standing: Standing): string {
  const { status, awaiting, request, until, safe_way: safeWay } = standing;
  switch (status) {
    case 'hard_stopped':
      return `This can never be approved, by nobody and in no other words; do not ask again. ${
        safeWay === undefined ? 'Look up what can be requested instead.' : `The safe way: ${safeWay}`
      }`;
    case 'refused':
      return 'Policy refuses it; nobody will be asked. Look up what can be requested instead.';
    case 'awaiting_approval':
      return `People decide: ${awaiting.join(' or ')}. They have it in their own list; call wait, and do not ask them to hurry. It goes on without you.`;
    case 'active':
      if (request.kind === 'access')
        return `Access is there until ${until ?? 'its end'}. Call give_back as soon as you are done.`;
      return standing.execution?.outcome !== undefined
        ? `It ${standing.execution.outcome}. It is used up; to do it again, propose it again.`
        : 'It is approved, exactly as proposed, once. Call execute or fetch_token.';
    case 'denied':
      return 'A person said no. Asking again goes to the same people, and is counted.';
    case 'failed':
      return 'It was approved, but could not be carried out. The failure says why.';
    case 'submitted':
    case 'assessing':
    case 'approved':
    case 'provisioning':
      return 'It is under way. Call wait.';
    default:
      return 'It is over. What is needed again is asked for again.';
  }
}
