import type { ApprovalPath, Assessment, LinkedPrecedent, Stage } from '../../../src/domain/assessment';
import type { Command } from '../../../src/domain/command';
import { decide } from '../../../src/domain/decide';
import type { DomainEvent } from '../../../src/domain/event';
import { evolve } from '../../../src/domain/evolve';
import type { PrincipalKind } from '../../../src/domain/principal';
import type { AccessRequest } from '../../../src/domain/request';
import type { RequestState } from '../../../src/domain/state';
import type { Statement, Verb } from '../../../src/domain/statement';
import {
  aRequest,
  aSubmission,
  DAY,
  DIRECTORY_DIGEST,
  HOUR,
  MINUTE,
  needsApproval,
  POLICY_DIGEST,
  permitted,
  stopped,
} from '../domain/builders';
import { aStatement, verified } from '../domain/statements';

/** When generated populations begin. */
export const BEGIN = Date.UTC(2026, 2, 2, 8);
/** From submission to the recorded assessment, in every generated life. */
export const ASSESSED_AFTER_MS = 20;

/** A test's plan of what happens to one request. */
export interface Plan {
  readonly id: string;
  readonly atMs: number;
  readonly what: { readonly connector: string; readonly resource: string; readonly action: string };
  readonly who: string;
  readonly askedBy?: string;
  readonly ends: 'policy-alone' | 'stopped' | 'approved' | 'denied' | 'lapsed' | 'withdrawn' | 'open';
  /** Stages by name, each with those who may decide it; the first in each list does. */
  readonly path?: { readonly name: string; readonly stages: Readonly<Record<string, readonly string[]>> };
  /** From the opening of a stage to the statement that decides it. */
  readonly decidesAfterMs?: number;
  readonly emergency?: boolean;
  readonly rerouted?: boolean;
  readonly durationMs?: number;
  readonly ticket?: string;
  readonly privileged?: boolean;
  readonly policies?: readonly string[];
  readonly precedents?: readonly LinkedPrecedent['kind'][];
  readonly safeWay?: string;
  readonly revoked?: boolean;
}

const REMIND = 15 * MINUTE;
const ESCALATE = HOUR;
const EXPIRE = 8 * HOUR;

/** Returns the events of one request, decided by the core itself. */
export function lifeOf(plan: Plan): readonly DomainEvent[] {
  return new Life(plan).events();
}

/** Returns the entitlement of a plan, by the name that figures use. */
export const nameOf = ({ connector, resource, action }: Plan['what']): string =>
  `${connector}:${resource}#${action}`;

class Life {
  readonly #events: DomainEvent[] = [];
  readonly #request: AccessRequest;
  #atMs: number;
  #statements = 0;
  #state: RequestState | null = null;

  constructor(private readonly plan: Plan) {
    this.#atMs = plan.atMs;
    const { id, atMs, what, who, askedBy = who, emergency = false, durationMs = HOUR, ticket } = plan;
    const { ticket: _ticket, ...rest } = aRequest();
    this.#request = {
      ...rest,
      id,
      entitlement: what,
      beneficiary: who,
      requester: askedBy,
      onBehalfOf: [],
      emergency,
      ...(emergency && { emergencyCondition: 'production-outage' }),
      durationMs,
      ...(ticket !== undefined && { ticket }),
      submittedAtMs: atMs,
    };
  }

  events(): readonly DomainEvent[] {
    const { plan } = this;
    this.#tell({ type: 'submit', submission: aSubmission(this.#request) });
    this.#atMs += ASSESSED_AFTER_MS;
    this.#assess();
    if (plan.ends === 'stopped' || plan.ends === 'open') return this.#events;
    if (plan.rerouted) this.#reroute();
    if (plan.ends !== 'policy-alone') this.#decide();
    if (plan.ends === 'approved' || plan.ends === 'policy-alone') this.#live();
    else this.#tell({ type: 'record_barred' });
    return this.#events;
  }

  #assess(): void {
    const { ends, emergency, privileged = false, policies = [], precedents = [], safeWay } = this.plan;
    const parties = [...new Set([this.#request.requester, this.#request.beneficiary])].map((id) => ({
      id,
      relation: 'requester' as const,
    }));
    const about: Partial<Assessment> = {
      parties,
      privileged,
      determiningPolicies: policies,
      assessedAtMs: this.#atMs,
      ...(emergency && { reviewWithinMs: DAY }),
      ...(safeWay !== undefined && { safeWay }),
      ...(precedents.length > 0 && {
        precedents: precedents.map((kind, index) => ({
          kind,
          id: `earlier-${index}`,
          about: nameOf(this.plan.what),
          atMs: this.plan.atMs - HOUR,
        })),
      }),
    };
    const assessment = this.#assessment(ends, about);
    const recognition = {
      principal: this.#request.requester,
      keyId: 'key',
      assurance: 'key',
      channel: 'cli',
      directoryDigest: DIRECTORY_DIGEST,
    } as const;
    this.#tell({ type: 'record_assessment', assessment, recognition });
  }

  #assessment(ends: Plan['ends'], about: Partial<Assessment>): Assessment {
    if (ends === 'stopped') return stopped('hard_stop', about);
    if (ends === 'policy-alone') return permitted(about);
    return { ...needsApproval([], about), path: this.#path() };
  }

  #path(): ApprovalPath {
    const { name, stages } = this.plan.path ?? { name: 'one-lead', stages: { lead: ['person/lead'] } };
    return {
      name,
      stages: Object.entries(stages).map(
        ([stage, eligible]): Stage => ({
          name: stage,
          eligible,
          groups: ['deciders'],
          substituteGroups: ['deciders'],
          quorum: 1,
          assurance: 'key',
          remindAfterMs: REMIND,
          escalateAfterMs: ESCALATE,
          expireAfterMs: EXPIRE,
        }),
      ),
    };
  }

  #reroute(): void {
    const [stage] = this.#path().stages;
    const replacement = {
      replace: stage?.eligible[0] ?? '',
      with: 'person/substitute',
      untilMs: this.#atMs + DAY,
    };
    this.#say('person/governor', 'reroute', { replacement }, ['iam-operations']);
  }

  #decide(): void {
    const { ends, decidesAfterMs = MINUTE, rerouted } = this.plan;
    for (const stage of this.#path().stages) {
      const openedAtMs = this.#atMs;
      const waitMs = ends === 'lapsed' ? EXPIRE : decidesAfterMs;
      for (const dueMs of [REMIND, ESCALATE])
        if (dueMs < waitMs) {
          this.#atMs = openedAtMs + dueMs;
          this.#tell({ type: 'tick' });
        }
      this.#atMs = openedAtMs + waitMs;
      if (ends === 'lapsed' || ends === 'withdrawn') {
        if (ends === 'lapsed') this.#tell({ type: 'tick' });
        else this.#say(this.#request.requester, 'withdraw');
        return;
      }
      const isFirst = stage.name === this.#path().stages[0]?.name;
      const decider = rerouted && isFirst ? 'person/substitute' : (stage.eligible[0] ?? '');
      this.#say(decider, ends === 'denied' ? 'deny' : 'approve');
      if (ends === 'denied') return;
    }
  }

  #live(): void {
    const { id, durationMs } = this.#request;
    const lease = {
      id,
      account: 'account',
      grantedAtMs: this.#atMs,
      expiresAtMs: this.#atMs + durationMs,
    };
    this.#tell({ type: 'record_grant', lease });
    if (this.plan.revoked) {
      this.#atMs += MINUTE;
      this.#say(this.#request.requester, 'revoke');
    } else {
      this.#atMs += durationMs;
      this.#tell({ type: 'tick' });
    }
    this.#tell({ type: 'record_access_ended' });
  }

  #say(who: string, verb: Verb, claims: Partial<Statement> = {}, roles: readonly string[] = []): void {
    this.#statements += 1;
    const revision = this.#state?.revision ?? 0;
    const statement = aStatement(
      verb,
      who,
      {
        jti: `${verb}-${this.#statements}`,
        issuedAtMs: this.#atMs,
        expiresAtMs: this.#atMs + DAY,
        revision,
        ...claims,
      },
      this.#request,
    );
    const kind = who.slice(0, who.indexOf('/')) as PrincipalKind;
    const signer = { id: who, kind, active: true, roles, groups: ['deciders'] };
    const reroute = {
      reasonCodeListed: true,
      ticketFound: true,
      policyBasisListed: true,
      candidate: { ...signer, id: 'person/substitute', roles: [] },
      candidateStages: this.#path().stages.map((stage) => stage.name),
      policyDigest: POLICY_DIGEST,
    };
    const facts = verified(statement, { signer, ...(verb === 'reroute' && { reroute }) });
    this.#tell({ type: 'consider', check: { verified: true, facts } });
  }

  /** If the core refuses something in a plan, the test is wrong. */
  #tell(command: DistributiveOmit<Command, 'atMs'>): void {
    const events = decide(this.#state, { ...command, atMs: this.#atMs } as Command);
    const refused = events.find((event) => event.type === 'statement_refused' || event.type === 'refused');
    if (refused !== undefined) throw new Error(`${this.plan.id}: ${JSON.stringify(refused)}`);
    this.#events.push(...events);
    for (const event of events) this.#state = evolve(this.#state, event);
  }
}

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;
