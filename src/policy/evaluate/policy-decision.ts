import type { Assessment, ReasonCode } from '../../domain/assessment';
import { type AccessRequest, entitlementName } from '../../domain/request';
import type { ForbidRule } from '../load/policy-rule';
import { argumentsNamed } from './arguments-seen';
import type { Bearing } from './bearing';
import { ENGINE_VERSION } from './cedar-engine';
import { factsOf, pastOf } from './cedar-question';
import { partiesOf } from './eligibility';
import type { PolicyContext } from './policy-context';
import { flagsOf } from './scrutiny';

/** Builds assessments that permit nothing, and the parts that all assessments have in common. */
export class PolicyDecision {
  constructor(
    private readonly context: PolicyContext,
    private readonly request: AccessRequest,
    private readonly atMs: number,
    private readonly bearing?: Bearing,
  ) {}

  base(determiningPolicies: readonly string[]) {
    const linked = this.bearing?.linked ?? [];
    const flags = flagsOf(this.request, this.context.scrutiny);
    return {
      determiningPolicies,
      policyDigest: this.context.digest,
      directoryDigest: this.context.directory.digest,
      engineVersion: ENGINE_VERSION,
      facts: {
        entitlement: entitlementName(this.request.entitlement),
        ...factsOf(this.context.directory, this.request),
        ...(this.bearing && noteworthy(pastOf(this.bearing))),
      },
      ...(linked.length > 0 && { precedents: linked }),
      ...(flags.length > 0 && { flags }),
      assessedAtMs: this.atMs,
    };
  }

  refuse(reasonCode: ReasonCode, explanation: string, policies: readonly string[] = []): Assessment {
    return this.#nothing('refuse', reasonCode, explanation, policies);
  }

  stop(
    reasonCode: ReasonCode,
    explanation: string,
    policies: readonly string[],
    safeWay?: string,
  ): Assessment {
    const assessment = this.#nothing('hard_stop', reasonCode, explanation, policies);
    return safeWay === undefined ? assessment : { ...assessment, safeWay };
  }

  forbidden(rules: readonly ForbidRule[]): Assessment {
    const ids = rules.map((rule) => rule.id);
    const stop = rules.find((rule) => rule.hardStop !== undefined);
    if (stop !== undefined)
      return this.stop('POLICY_HARD_STOP', `${stop.hardStop}: ${stop.title}`, ids, stop.safeWay);
    const { engine } = this.context;
    const named = argumentsNamed(engine, this.request.entitlement.action, ids);
    const assessment = this.refuse(
      'FORBIDDEN_BY_POLICY',
      rules.map((rule) => rule.title).join('; ') + named,
      ids,
    );
    const safeWay = rules.find((rule) => rule.safeWay !== undefined)?.safeWay;
    return safeWay === undefined ? assessment : { ...assessment, safeWay };
  }

  #nothing(
    outcome: 'refuse' | 'hard_stop',
    reasonCode: ReasonCode,
    explanation: string,
    policies: readonly string[],
  ): Assessment {
    return {
      ...this.base(policies),
      outcome,
      reasonCodes: [reasonCode],
      explanation,
      maxDurationMs: 0,
      reviewers: [],
      privileged: false,
      parties: partiesOf(this.request, this.context.directory),
    };
  }
}

/** Leaves the counts out of the facts if there are no precedents, as for most requests. */
const noteworthy = (past: ReturnType<typeof pastOf>) =>
  Object.fromEntries(Object.entries(past).filter(([, value]) => value !== false && value !== 0));
