import type { AccessRequest, SignedEnvelope } from '../domain/request';
import type { StatementCheck } from '../domain/statement';
import { judging } from './effects';
import type { Arrival } from './inbox';
import type { LocalLane } from './local-lane';

/** A message with what came of checking it. */
export interface Examined {
  readonly arrival: Arrival;
  readonly check: StatementCheck;
}

/**
 * Has what arrived verified beside the main loop, one batch at a time. The loop never waits for it: a check that hangs
 * or fails must not keep the timer that ends a grant from being heard.
 */
export class Examiner {
  #busy = false;
  #examined: readonly Examined[] = [];

  constructor(private readonly lane: LocalLane) {}

  get isBusy(): boolean {
    return this.#busy;
  }

  /** Whether a batch may begin now. */
  get isFree(): boolean {
    return !this.#busy && !this.lane.isTaken;
  }

  get hasResults(): boolean {
    return this.#examined.length > 0;
  }

  take(): readonly Examined[] {
    const examined = this.#examined;
    this.#examined = [];
    return examined;
  }

  /** Begins a batch. What needs no verification is there at once. */
  examine(arrivals: readonly Arrival[], request: AccessRequest | undefined): void {
    const envelopes = arrivals.flatMap(({ content }) => ('jws' in content ? [content] : []));
    const finish = (checks: readonly StatementCheck[]) => {
      const checked = new Map(envelopes.map((envelope, index) => [envelope, checks[index]]));
      this.#examined = arrivals.map((arrival) => ({ arrival, check: checkOf(arrival, checked) }));
      this.#busy = false;
    };
    if (request === undefined || envelopes.length === 0) {
      finish([]);
      return;
    }
    this.#busy = true;
    void this.lane.run(() => judging.checkStatements(envelopes, request)).then(finish, () => finish([]));
  }
}

function checkOf(
  { content, verb }: Arrival,
  checked: ReadonlyMap<SignedEnvelope, StatementCheck | undefined>,
): StatementCheck {
  if ('code' in content)
    return { verified: false, attempt: { refusal: content, ...(verb && { claimedVerb: verb }) } };
  const check = checked.get(content);
  if (check === undefined)
    return { verified: false, attempt: { refusal: { code: 'NOT_NOW', detail: 'it could not be checked' } } };
  if (!check.verified || verb === undefined || check.facts.statement.verb === verb) return check;
  const { statement, signer } = check.facts;
  const detail = `a statement to ${statement.verb} came as ${verb}`;
  return { verified: false, attempt: { refusal: { code: 'MALFORMED', detail }, claimedIssuer: signer.id } };
}
