import type { Assessment } from '../domain/assessment';
import type { EarlierAsk, Precedents } from '../domain/precedents';
import { type AccessRequest, entitlementName } from '../domain/request';

/**
 * The calls that one gate is asking people about just now. The ledger may not have them yet. So that a thousand calls at once do not
 * become requests that the limit of open ones then refuses, each counts the others.
 */
export class Proposals {
  readonly #underWay = new Map<string, EarlierAsk>();

  /** Assesses a request with what the ledger knows. If people had to decide it, it is refused if too many others are under way. */
  assessed(request: AccessRequest, known: Precedents, assess: (known: Precedents) => Assessment): Assessment {
    const assessment = assess(known);
    if (assessment.outcome !== 'approve' || this.#underWay.size === 0) return assessment;
    const onRecord = new Set([request.id, ...known.asks.map((ask) => ask.request)]);
    const others = [...this.#underWay.values()].filter((ask) => !onRecord.has(ask.request));
    const counted = assess({ ...known, asks: [...others, ...known.asks] });
    return counted.reasonCodes[0] === 'ASKED_TOO_OFTEN' ? counted : assessment;
  }

  /** Counts a request for as long as its proposal is under way. */
  async during<T>(request: AccessRequest, work: () => Promise<T>): Promise<T> {
    this.#underWay.set(request.id, earlierAsk(request));
    try {
      return await work();
    } finally {
      this.#underWay.delete(request.id);
    }
  }
}

const earlierAsk = ({
  id,
  requester,
  beneficiary,
  entitlement,
  submittedAtMs,
}: AccessRequest): EarlierAsk => ({
  request: id,
  requester,
  beneficiary,
  entitlement: entitlementName(entitlement),
  askedAtMs: submittedAtMs,
  approvers: {},
  granted: false,
});
