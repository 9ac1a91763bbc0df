import type { Assessment, ReasonCode } from '../domain/assessment';
import { type AccessRequest, entitlementName } from '../domain/request';
import type { PolicyBook } from './assess';
import type { Bearing } from './bearing';
import { ENGINE_VERSION } from './cedar-engine';
import { factsOf, pastOf } from './cedar-question';
import { partiesOf } from './eligibility';
import type { ForbidRule } from './policy-rule';
import { flagsOf } from './scrutiny';

/** Builds assessments that let nothing through, and what all of them have in common. */
export class Verdict {
  constructor(
    private readonly book: PolicyBook,
    private readonly request: AccessRequest,
    private readonly atMs: number,
    private readonly bearing?: Bearing,
  ) {}

  base(determiningPolicies: readonly string[]) {
    const linked = this.bearing?.linked ?? [];
    const flags = flagsOf(this.request, this.book.scrutiny);
    return {
      determiningPolicies,
      policyDigest: this.book.digest,
      directoryDigest: this.book.directory.digest,
      engineVersion: ENGINE_VERSION,
      facts: {
        entitlement: entitlementName(this.request.entitlement),
        ...factsOf(this.book.directory, this.request),
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
    const assessment = this.refuse('FORBIDDEN_BY_POLICY', rules.map((rule) => rule.title).join('; '), ids);
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
      parties: partiesOf(this.request, this.book.directory),
    };
  }
}

/** A request without a past is the usual one; its record need not say so five times. */
const noteworthy = (past: ReturnType<typeof pastOf>) =>
  Object.fromEntries(Object.entries(past).filter(([, value]) => value !== false && value !== 0));
