import { namedEntitlement } from '../../../src/contracts/request';
import type { Assessment } from '../../../src/domain/assessment';
import {
  type EarlierAsk,
  type EarlierGrant,
  NO_PRECEDENTS,
  type Precedents,
} from '../../../src/domain/precedents';
import { type AccessRequest, entitlementName } from '../../../src/domain/request';
import { FileTicketSource, type LoadedBundle, loadBundle } from '../../../src/policy';
import { EXAMPLE_BUNDLE_DIR } from '../../../src/project';
import { sampleRequest } from '../../support/keyring';

/** When the tests of the example bundle take place. */
export const NOW = Date.UTC(2026, 10, 1);
export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;

export async function exampleBundle(): Promise<LoadedBundle> {
  const loaded = await loadBundle(EXAMPLE_BUNDLE_DIR, new FileTicketSource(undefined));
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  return loaded.bundle;
}

const entitlementOf = (name: string): AccessRequest['entitlement'] => namedEntitlement.parse(name);

/** A request of someone for themselves. */
export const asks = (who: string, what: string, about: Partial<AccessRequest> = {}): AccessRequest =>
  sampleRequest({
    requester: who,
    beneficiary: who,
    entitlement: entitlementOf(what),
    submittedAtMs: NOW,
    ...about,
  });

/** An earlier request as it would be on record, an hour ago, ended by a person's no, unless it says otherwise. */
export function askedBefore(
  request: AccessRequest,
  changes: Partial<EarlierAsk> = {},
  assessment?: Assessment,
): EarlierAsk {
  const stages = assessment?.path?.stages ?? [];
  return {
    request: 'earlier-request',
    requester: request.requester,
    beneficiary: request.beneficiary,
    entitlement: entitlementName(request.entitlement),
    askedAtMs: NOW - HOUR,
    outcome: assessment?.outcome ?? 'approve',
    approvers: Object.fromEntries(stages.map((stage) => [stage.name, stage.eligible])),
    end: 'denied',
    granted: false,
    ...changes,
  };
}

export const onRecord = (changes: Partial<Precedents>): Precedents => ({ ...NO_PRECEDENTS, ...changes });

export const anEmergencyBefore = (changes: Partial<EarlierGrant> = {}): EarlierGrant => ({
  request: 'earlier-emergency',
  requester: 'person/jonas',
  beneficiary: 'person/jonas',
  emergency: true,
  grantedAtMs: NOW - 48 * HOUR,
  ...changes,
});
