import { randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parse, stringify } from 'yaml';
import { requestDigest } from '../../src/domain/digest';
import type { PrincipalId } from '../../src/domain/principal';
import type { AccessRequest, SignedEnvelope, Submission } from '../../src/domain/request';
import { byKey, type CallerCredential } from '../../src/enforcement';
import { generateKey, importSigningKey, readKeyFile, type SigningKey } from '../../src/signing/keys';
import { signStatement, signSubmission } from '../../src/signing/sign';
import { exampleKeyFile } from '../../src/stack/example-bundle';
import type { Kind, Plan, Saying } from './plan';

const HOUR_MS = 3_600_000;

/** What a kind of life asks for. */
const ASKED: Readonly<
  Record<Kind, { readonly resource: string; readonly action: string; readonly role: string }>
> = {
  read: { resource: 'reporting', action: 'read', role: 'reporting_read' },
  write: { resource: 'payments', action: 'write', role: 'production_write' },
  admin: { resource: 'payments', action: 'admin', role: 'production_admin' },
  emergency: { resource: 'payments', action: 'admin', role: 'production_admin' },
  control: { resource: 'egress-policy', action: 'disable', role: 'none' },
  'over-limit': { resource: 'payments', action: 'write', role: 'production_write' },
  stranger: { resource: 'payments', action: 'write', role: 'production_write' },
};

/** The stage that an approval is for. David belongs to the second stage, or to the first if a reroute put him there. */
function stageOf(signer: PrincipalId, revision: number, { emergency }: AccessRequest): string {
  if (emergency) return 'commander';
  const isDba = ['person/david', 'person/aiko'].includes(signer);
  return isDba && revision === 0 ? 'dba' : 'owner';
}

/** The requester of a life. Each life has its own, with its own account on the target. */
export function selfOf({ kind, index }: Plan): { readonly id: PrincipalId; readonly account: string } {
  const number = String(index).padStart(5, '0');
  return kind === 'emergency'
    ? { id: `person/oncall-${number}`, account: `oncall_${number}` }
    : { id: `ci/life-${number}`, account: `life_${number}` };
}

/** Everyone of the example bundle and one requester for each life, all with real keys. */
export class Cast {
  readonly #keys = new Map<PrincipalId, SigningKey>();
  #strange: SigningKey | undefined;

  constructor(private readonly stateDir: string) {}

  /** Puts the requesters of the lives into the directory of the bundle. */
  async enrol(bundleDir: string, plans: readonly Plan[]): Promise<void> {
    const file = path.join(bundleDir, 'directory.yaml');
    const directory = parse(readFileSync(file, 'utf8'));
    for (const plan of plans) {
      const { id, account } = selfOf(plan);
      const key = await generateKey();
      this.#keys.set(id, await imported(key.privateJwkText));
      const entry = {
        accounts: { warehouse: account },
        keys: [{ jwk: key.publicJwk, assurance: 'key', channel: 'cli' }],
      };
      if (plan.kind === 'emergency') {
        directory.people[id] = { name: `On call ${plan.index}`, ...entry };
        directory.groups['on-call'].members.push(id);
      } else {
        const title = `Pipeline ${plan.index}`;
        // Each identity has its own owner, because the requests of one owner's identities are counted together.
        const [owner, sponsor] = [`person/owner-${plan.index}`, `person/sponsor-${plan.index}`];
        directory.people[owner] = { name: `Owner ${plan.index}` };
        directory.people[sponsor] = { name: `Sponsor ${plan.index}` };
        directory.identities[id] = { title, owner, sponsor, ...entry };
        directory.groups['payments-workloads'].members.push(id);
        directory.groups['analytics-workloads'].members.push(id);
      }
    }
    writeFileSync(file, stringify(directory));
    this.#strange = await imported((await generateKey()).privateJwkText);
  }

  request(plan: Plan): AccessRequest {
    const { id: requester } = selfOf(plan);
    const { resource, action } = ASKED[plan.kind];
    const emergency = plan.kind === 'emergency';
    return {
      id: `${plan.idPrefix ?? ''}${randomUUID()}`,
      kind: 'access',
      requester,
      beneficiary: requester,
      entitlement: { connector: plan.kind === 'control' ? 'network' : 'warehouse', resource, action },
      durationMs: plan.kind === 'over-limit' ? 5 * HOUR_MS : plan.durationMs,
      emergency,
      ...(emergency && { emergencyCondition: 'production-outage' }),
      reason: `life ${plan.index} of a run with faults`,
      ticket: emergency ? 'INC-1' : 'CHG-7',
      onBehalfOf: [],
      submittedAtMs: Date.now(),
    };
  }

  async submission(plan: Plan, request: AccessRequest): Promise<Submission> {
    const key = plan.kind === 'stranger' ? this.#stranger() : await this.#key(request.requester);
    return signSubmission(request, key);
  }

  /** Returns how a principal of the run authenticates to a gateway. */
  async credential(principal: PrincipalId, gateway: string): Promise<CallerCredential> {
    return byKey(principal, await this.#key(principal), gateway);
  }

  /** Returns the statement as it is sent, with its flaw. */
  async sign({ by, verb, revision, flaw }: Saying, request: AccessRequest): Promise<SignedEnvelope> {
    const signer = by === 'self' ? request.requester : by;
    const digest =
      flaw === 'wrong-digest' ? requestDigest({ ...request, durationMs: 1 }) : requestDigest(request);
    const draft = {
      verb: flaw === 'wrong-signal' ? ('deny' as const) : verb,
      request: request.id,
      digest,
      revision: flaw === 'stale-revision' ? 7 : revision,
      ...(verb === 'approve' && { stage: stageOf(signer, revision, request) }),
      ...((verb === 'deny' || flaw === 'wrong-signal') && { reasonCode: 'not-now' }),
      ...(verb === 'cancel' && { reasonCode: 'duplicate' }),
      ...(verb === 'review' && { verdict: 'justified' as const }),
      ...(verb === 'reroute' && {
        reasonCode: 'approver-absent',
        ticket: 'OPS-1',
        policyBasis: 'production-write',
        replacement: { replace: 'person/mira', with: 'person/david', untilMs: Date.now() + HOUR_MS },
      }),
    };
    const nowMs = flaw === 'expired' ? Date.now() - 2 * HOUR_MS : Date.now();
    return signStatement(draft, signer, await this.#keyFor(signer, flaw), { nowMs, lifeMs: HOUR_MS });
  }

  async #keyFor(signer: PrincipalId, flaw: Saying['flaw']): Promise<SigningKey> {
    if (flaw === 'strange-key') return { ...this.#stranger(), keyId: (await this.#key(signer)).keyId };
    return this.#key(flaw === 'borrowed-key' ? 'person/lena' : signer);
  }

  #stranger(): SigningKey {
    if (this.#strange === undefined) throw new Error('nobody has been enrolled');
    return this.#strange;
  }

  async #key(principal: PrincipalId): Promise<SigningKey> {
    const known = this.#keys.get(principal);
    if (known !== undefined) return known;
    const key = await readKeyFile(exampleKeyFile(this.stateDir, principal));
    this.#keys.set(principal, key);
    return key;
  }
}

async function imported(privateJwkText: string): Promise<SigningKey> {
  const result = await importSigningKey(privateJwkText, 'a key of the run');
  if (!result.ok) throw new Error(result.message);
  return result.key;
}
