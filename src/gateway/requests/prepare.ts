import type { Submission } from '../../domain/request';
import type { PolicyContext } from '../../policy';
import type { Caller } from '../auth/caller';
import { HttpProblem } from '../http/problem';
import type { GatewayKeys } from '../keys';
import type { DenialBinding } from '../pdp/binding';
import type { RequestMapping } from '../pdp/mapping';
import { attest } from './attest';
import { checkBinding, requestOf, type SubmittedItem, scopeOf, type UseOfDenial } from './bind';
import type { TaskItem, TaskRecord, TaskRecords } from './records';
import type { AccessRequestBody } from './schema';

/** Longest echo of an item, in characters. It is kept beside the request, so it has to be small. */
const LONGEST_ECHO = 4_000;

export interface Preparing {
  readonly keys: GatewayKeys;
  /** The identity that the gateway attests as. */
  readonly recorder: string;
  readonly binding: DenialBinding;
  readonly mapping: RequestMapping;
  readonly records: TaskRecords;
}

/** The task that an item belongs to. */
interface Whole {
  readonly id: string;
  readonly digest: string;
  readonly items: readonly SubmittedItem[];
  readonly atMs: number;
}

/** One item, checked and attested, not started yet. */
export interface Prepared {
  readonly submission: Submission;
  readonly item: TaskItem;
  readonly use: UseOfDenial;
}

/**
 * Checks and attests one item. Changes nothing.
 *
 * @throws HttpProblem if it could not be started, or verifiers would refuse it
 */
export async function prepareItem(
  { keys, recorder, binding, mapping, records }: Preparing,
  about: { readonly context: PolicyContext; readonly caller: Caller; readonly body: AccessRequestBody },
  whole: Whole,
  index: number,
): Promise<Prepared> {
  const { context, caller, body } = about;
  const { id, digest, items, atMs } = whole;
  const from = items[index];
  if (from === undefined) throw new RangeError(`there is no item ${index}`);
  const use = await checkBinding(caller, body, from, binding, atMs);
  const request = requestOf(mapping, context, caller, body, from, records.requestId(id, index), atMs);
  const scope = scopeOf(body, from);
  const echo = body.items === undefined ? undefined : { resource: from.resource, action: from.action };
  const echoText = echo && JSON.stringify(echo);
  if (echoText !== undefined && echoText.length > LONGEST_ECHO)
    throw new HttpProblem(400, `items.${index}: too large for a bundle; submit it by itself`);
  const task = {
    id,
    index,
    items: items.length,
    body: digest,
    evaluation: use.evaluationId,
    scope,
    ...(echoText !== undefined && { echo: echoText }),
    ...(body.callback && { callback: callbackOf(body.callback) }),
  };
  const claims = { iss: recorder, via: caller.via, task };
  const submission = await attest(request, claims, keys.attestation, atMs);
  const item = { request, scope, evaluation: use.evaluationId, ...(echo && { echo }) };
  return { submission, item, use };
}

type Callback = NonNullable<AccessRequestBody['callback']>;

/** Copies a callback without undefined members, which canonical JSON cannot hold. */
export function callbackOf({ endpoint, state, events }: Callback): NonNullable<TaskRecord['callback']> {
  return { endpoint, ...(state !== undefined && { state }), ...(events && { events: [...events] }) };
}
