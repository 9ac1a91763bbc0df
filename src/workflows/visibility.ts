import { setCurrentDetails, upsertSearchAttributes } from '@temporalio/workflow';
import { nextDeadline } from '../domain/clock';
import { entitlementName } from '../domain/request';
import { awaited, type RequestState } from '../domain/state';
import { storyOf } from '../domain/story';

/** Keeps the search attributes and the current details of a request true. Writes to history only what has changed. */
export class Visibility {
  #published = new Map<string, string>();

  publish(state: RequestState): void {
    setCurrentDetails(storyOf(state));
    const changed = attributesOf(state).filter(({ key, value }) => {
      const text = JSON.stringify(value);
      const isNew =
        this.#published.get(key.name) !== text && !(value === null && !this.#published.has(key.name));
      if (isNew) this.#published.set(key.name, text);
      return isNew;
    });
    if (changed.length > 0) upsertSearchAttributes(changed);
  }
}

function attributesOf(state: RequestState) {
  const deadline = nextDeadline(state);
  const expires = state.lease?.expiresAtMs;
  const changing = [
    keyword('CountersignStatus', state.status),
    keyword('CountersignReview', state.review.phase),
    { key: { name: 'CountersignAwaiting', type: 'KEYWORD_LIST' as const }, value: [...awaited(state)] },
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
