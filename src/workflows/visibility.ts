import { setCurrentDetails, upsertSearchAttributes } from '@temporalio/workflow';
import { nextDeadline } from '../domain/clock';
import { entitlementName } from '../domain/request';
import { awaited, type RequestState } from '../domain/state';
import { storyOf } from '../domain/story';

/** Keeps the search attributes and the current details of a request true. Writes to history only what has changed. */
export class Visibility {
  #published: RequestState | undefined;

  publish(state: RequestState): void {
    if (state === this.#published) return;
    setCurrentDetails(storyOf(state));
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

/** What one search attribute may take on the server, by default, with room for its encoding. */
const ATTRIBUTE_BYTES = 1_900;

/** As many ids, which are ASCII, as fit: an attribute that is too long would fail the workflow. */
function fitting(names: readonly string[]): string[] {
  let bytes = 0;
  return names.filter((name) => {
    bytes += name.length + 3;
    return bytes <= ATTRIBUTE_BYTES;
  });
}

const textOf = (value: unknown): string => JSON.stringify(value);

function attributesOf(state: RequestState) {
  const deadline = nextDeadline(state);
  const expires = state.lease?.expiresAtMs;
  const changing = [
    keyword('CountersignStatus', state.status),
    keyword('CountersignReview', state.review.phase),
    { key: { name: 'CountersignAwaiting', type: 'KEYWORD_LIST' as const }, value: fitting(awaited(state)) },
    datetime('CountersignDeadline', deadline?.atMs),
    datetime('CountersignExpiresAt', expires),
  ];
  const request = state.submission?.request;
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
