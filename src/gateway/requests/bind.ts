import type { PrincipalId } from '../../domain/principal';
import type { AccessRequest } from '../../domain/request';
import type { PolicyContext } from '../../policy';
import type { Caller } from '../auth/caller';
import type { UsedOnceOfKind } from '../auth/used-once';
import { HttpProblem, profileProblem } from '../http/problem';
import { boundOf, type DenialBinding, isWithin } from '../pdp/binding';
import type { Action, Resource } from '../pdp/entities';
import type { RequestMapping } from '../pdp/mapping';
import type { TaskItem } from './records';
import {
  type AccessRequestBody,
  augmentationsSchema,
  type DenialBody,
  EXTENSION,
  parseChain,
  type RequestedAccess,
} from './schema';

const SKEW_MS = 30_000;
/** Duration of access if the caller does not say until when. */
const USUAL_MS = 15 * 60_000;

/** One item of a submission. */
export interface SubmittedItem {
  readonly resource: Resource;
  readonly action: Action;
  readonly requestedAccess: RequestedAccess;
  readonly denial: DenialBody | undefined;
}

/** @throws HttpProblem 400 if the body mixes items with a single resource and action, or has neither */
export function itemsOf(body: AccessRequestBody): readonly SubmittedItem[] {
  const { items, resource, action, denial, requested_access: common = {} } = body;
  if (items !== undefined) {
    if (resource !== undefined || action !== undefined)
      throw new HttpProblem(400, 'leave out resource and action if there are items');
    return items.map((item) => ({
      resource: item.resource,
      action: item.action,
      requestedAccess: { ...common, ...item.requested_access },
      denial: item.denial ?? denial,
    }));
  }
  if (resource === undefined || action === undefined)
    throw new HttpProblem(400, 'resource and action are needed unless there are items');
  return [{ resource, action, requestedAccess: common, denial }];
}

/**
 * Checks that an item answers a denial that this gateway signed for this caller, for exactly this, and that is still fresh
 * (profile, "Access Request Service Processing Rules"). `useDenials` checks that it is used once.
 *
 * @throws HttpProblem of the profile's types
 */
export async function checkBinding(
  caller: Caller,
  { subject, context }: AccessRequestBody,
  { resource, action, denial }: SubmittedItem,
  binding: DenialBinding,
  nowMs: number,
): Promise<UseOfDenial> {
  if (denial === undefined) throw unbound('a denial is needed for each item');
  const { binding_token: token, expires_at: expiresAt, evaluation_id: evaluationId } = denial;
  if (token === undefined) throw unbound('denial.binding_token is needed: this service keeps no evaluations');
  const claims = await binding.verify(token);
  if (claims === 'expired') throw expired();
  if (claims === undefined) throw unbound('denial.binding_token does not verify');
  if (claims.client !== caller.principal) throw unbound('the denial was given to another caller');
  if (evaluationId !== undefined && evaluationId !== claims.evaluation_id)
    throw unbound('denial.evaluation_id is of another evaluation');
  if (Date.parse(expiresAt) !== Date.parse(claims.denial_expires_at))
    throw unbound('denial.expires_at is not the one of the denial');
  const deadlineMs = Math.min(claims.exp * 1_000, Date.parse(claims.denial_expires_at)) + SKEW_MS;
  if (nowMs >= deadlineMs) throw expired();
  if (!isWithin(claims, { subject, resource, action, context }))
    throw unbound('the request differs from what was denied');
  return { jti: claims.jti, deadlineMs, evaluationId: claims.evaluation_id };
}

/**
 * Marks the denials of all items as answered, or none of them. A denial can be answered once, by one task. Call it when every
 * item has been checked.
 */
export async function useDenials(
  uses: readonly UseOfDenial[],
  used: UsedOnceOfKind,
  taskId: string,
  owner: PrincipalId,
): Promise<void> {
  const answered = () => unbound('the denial has been answered with another request');
  if (new Set(uses.map(({ jti }) => jti)).size < uses.length) throw answered();
  if (used.roomFor(owner) < uses.length)
    throw new HttpProblem(429, 'you have answered too many denials; wait until some of them have expired', {
      headers: { 'Retry-After': '60' },
    });
  const all = uses.map(({ jti, deadlineMs: untilMs }, index) => {
    return { name: jti, untilMs, by: `${taskId} ${index}`, owner };
  });
  if (!(await used.firstOfAll(all))) throw answered();
}

export interface UseOfDenial {
  readonly jti: string;
  readonly evaluationId: string;
  readonly deadlineMs: number;
}

const unbound = (detail: string) => profileProblem('invalid_denial_binding', detail);
const expired = () => profileProblem('expired_denial', 'evaluate again, and answer within the time given');

/**
 * Makes the request of an item. Policy judges it as a whole later.
 *
 * @throws HttpProblem 400 that names the wrong member, or `not_requestable`
 */
export function requestOf(
  mapping: RequestMapping,
  context: PolicyContext,
  caller: Caller,
  body: AccessRequestBody,
  { resource, action, requestedAccess }: SubmittedItem,
  id: string,
  nowMs: number,
): AccessRequest {
  const additions = augmentationsSchema.safeParse(body.context ?? {});
  if (!additions.success) {
    const [issue] = additions.error.issues;
    throw new HttpProblem(400, `context.${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'is wrong'}`);
  }
  const { request } = mapping.asRequest(
    context,
    caller,
    { subject: body.subject, resource, action, context: body.context },
    nowMs,
  );
  if (request === undefined)
    throw profileProblem('not_requestable', 'the catalog has no such subject, resource and action');
  const { emergency = false, [EXTENSION.emergencyCondition]: condition } = requestedAccess;
  if (condition !== undefined && !context.emergencyConditions.has(condition))
    throw new HttpProblem(400, `requested_access: ${EXTENSION.emergencyCondition} is not in the catalog`);
  const { containment: _c, rollback: _r, ...rest } = request;
  const containment = additions.data[EXTENSION.containment];
  const rollback = additions.data[EXTENSION.rollback];
  if (request.kind === 'execution' && (containment === undefined || rollback === undefined))
    throw new HttpProblem(
      400,
      `context: an execution needs ${EXTENSION.containment} and ${EXTENSION.rollback}`,
    );
  return {
    ...rest,
    id,
    durationMs: durationOf(requestedAccess, nowMs),
    emergency,
    ...(emergency && condition !== undefined && { emergencyCondition: condition }),
    reason: additions.data.business_justification,
    ...(request.kind === 'execution' && containment && rollback && { containment, rollback }),
  };
}

function durationOf({ requested_until: until }: RequestedAccess, nowMs: number): number {
  if (until === undefined) return USUAL_MS;
  const durationMs = Date.parse(until) - nowMs;
  if (!Number.isSafeInteger(durationMs) || durationMs < 1_000)
    throw new HttpProblem(400, 'requested_access.requested_until is not in the future');
  return durationMs;
}

/** Returns the binding that goes into an item's attestation, for its later approval. */
export const scopeOf = (
  { subject, context }: AccessRequestBody,
  { resource, action }: SubmittedItem,
): TaskItem['scope'] => {
  const { binding_hash, binding_context_members } = boundOf({ subject, resource, action, context });
  return { binding_hash, binding_context_members: [...binding_context_members] };
};

/**
 * Checks that the actor and chain that a submission claims are those of the caller's token, link by link (profile, "Delegation
 * and On-Behalf-Of").
 *
 * @throws HttpProblem 403 if the token does not say so
 */
export function checkActor(caller: Caller, { client }: AccessRequestBody): void {
  const actor = client?.actor;
  if (actor === undefined) return;
  const claimed = [{ issuer: actor.issuer, subject: actor.id }];
  if (actor.act !== undefined) {
    let link = parseChain(actor.act);
    if (link === undefined) throw strangers();
    for (; link !== undefined; link = link.act) claimed.push({ issuer: link.iss, subject: link.sub });
  }
  const names = (index: number, subject: string): boolean =>
    caller.chain[index]?.subject === subject || principalAt(caller, index) === subject;
  const holds = claimed.every(
    ({ issuer, subject }, index) =>
      names(index, subject) && (issuer === undefined || issuer === caller.chain[index]?.issuer),
  );
  if (!holds) throw strangers();
}

const principalAt = (caller: Caller, index: number): PrincipalId | undefined =>
  index === 0 ? caller.principal : caller.onBehalfOf[index - 1];

const strangers = () =>
  new HttpProblem(403, 'client.actor: the token does not say that the caller acts for this chain');
