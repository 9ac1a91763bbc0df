import { setCurrentDetails, upsertSearchAttributes } from '@temporalio/workflow';
import { AWAITING_MORE } from '../contracts/names';
import { nextDeadline } from '../domain/clock';
import { entitlementName } from '../domain/request';
import { requestDetails } from '../domain/request-details';
import { awaited } from '../domain/stages';
import { type RequestState, requestOf } from '../domain/state';

/** Keeps a request's search attributes and current details up to date. Writes only changes to the history. */
export class Visibility {
  #published: RequestState | undefined;

  publish(state: RequestState): void {
    if (state === this.#published) return;
    setCurrentDetails(requestDetails(state));
    const before = new Map(
      this.#published && attributesOf(this.#published).map(({ key, value }) => [key.name, textOf(value)]),
    );
    const changed = attributesOf(state).filter(
      ({ key, value }) => (before.get(key.name) ?? 'null') !== textOf(value),
    );
    if (changed.length > 0) upsertSearchAttributes(changed);
    this.#published = state;
  }
}

/** The server's default limit of one search attribute, with room for its encoding. */
const ATTRIBUTE_BYTES = 1_900;

/**
 * Returns as many names as fit, and says so if some do not. All are ASCII. An attribute that is too long would fail the
 * workflow.
 */
export function fitting(names: readonly string[]): string[] {
  const bytesOf = (name: string) => name.length + 3;
  let bytes = bytesOf(AWAITING_MORE);
  const fit = names.filter((name) => {
    bytes += bytesOf(name);
    return bytes <= ATTRIBUTE_BYTES;
  });
  return fit.length === names.length ? fit : [...fit, AWAITING_MORE];
}

const textOf = (value: unknown): string => JSON.stringify(value);

function attributesOf(state: RequestState) {
  const deadline = nextDeadline(state);
  const expires = state.phase === 'granted' ? state.lease.expiresAtMs : undefined;
  const changing = [
    keyword('CountersignStatus', state.status),
    keyword('CountersignReview', state.review.phase),
    { key: { name: 'CountersignAwaiting', type: 'KEYWORD_LIST' as const }, value: fitting(awaited(state)) },
    datetime('CountersignDeadline', deadline?.atMs),
    datetime('CountersignExpiresAt', expires),
  ];
  const request = requestOf(state);
  if (request === undefined) return changing;
  return [
    ...changing,
    keyword('CountersignRequester', request.requester),
    keyword('CountersignBeneficiary', request.beneficiary),
    keyword('CountersignResource', request.entitlement.resource),
    keyword('CountersignEntitlement', entitlementName(request.entitlement)),
    { key: { name: 'CountersignEmergency', type: 'BOOL' as const }, value: request.emergency },
  ];
}

const keyword = (name: string, value: string) => ({ key: { name, type: 'KEYWORD' as const }, value });

const datetime = (name: string, atMs: number | undefined) => ({
  key: { name, type: 'DATETIME' as const },
  value: atMs === undefined ? null : new Date(atMs),
});
