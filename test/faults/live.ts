import { setTimeout as sleep } from 'node:timers/promises';
import { type CountersignClient, CountersignError } from '../../src/client';
import type { AccessRequest, SignedEnvelope } from '../../src/domain/request';
import { attack, type Loot } from './attacks';
import type { Ground } from './ground';
import type { Attack, Plan, Saying } from './plan';

/** The result of a statement: the answer, or that the server has it without an answer, or that it was never delivered. */
export type Fate = 'accepted' | 'refused' | 'left' | 'gone' | 'undelivered';

export interface Delivered {
  readonly saying: Saying;
  readonly fate: Fate;
  readonly code?: string;
  readonly sentAtMs: number;
  readonly settledAtMs: number;
}

/** What happened to one request, for the checker. */
export interface LifeRecord {
  readonly plan: Plan;
  readonly request: AccessRequest;
  /** True if the server has accepted the request. */
  readonly isStarted: boolean;
  readonly delivered: readonly Delivered[];
  readonly attacked: readonly Attack[];
}

const DELIVER_WITHIN_MS = 45_000;
const TRY_AGAIN_MS = 300;
const REVIEW_TRIES = 30;
const RETRIABLE: readonly string[] = ['NOT_ANSWERING', 'UNREACHABLE', 'TIMED_OUT'];
const REVIEW: Saying = {
  afterMs: 0,
  by: 'person/amara',
  verb: 'review',
  revision: 0,
  via: 'update',
  flaw: 'none',
  doubled: false,
};

export interface Living {
  /** Called when the server has accepted the request. */
  readonly onStart?: (requestId: string) => Promise<void>;
  /** How long a sender retries. */
  readonly patienceMs?: number;
  /** True if a sender who revokes waits until there is a grant. */
  readonly waitsForGrant?: boolean;
  /** What carries requests and statements. By default the client of Temporal does. */
  readonly carrier?: Carrier;
  /** When the first statement may be sent. */
  readonly until?: Promise<unknown>;
}

/** Carries requests and statements. */
export type Carrier = Pick<CountersignClient, 'submit' | 'sendStatement' | 'leaveStatement'>;

/** Runs a plan. Retries what fails because of a fault, as people and programs do. */
export async function live(ground: Ground, plan: Plan, living: Living = {}): Promise<readonly LifeRecord[]> {
  const lives = [new Life(ground, plan, living)];
  if (plan.overlaps)
    lives.push(
      new Life(ground, { ...plan, durationMs: plan.durationMs + 900, sayings: [], attacks: [] }, living),
    );
  return Promise.all(lives.map((life) => life.live()));
}

class Life {
  readonly #delivered: Delivered[] = [];
  readonly #attacked: Attack[] = [];
  readonly #request: AccessRequest;

  constructor(
    private readonly ground: Ground,
    private readonly plan: Plan,
    private readonly living: Living,
  ) {
    this.#request = ground.cast.request(plan);
  }

  async live(): Promise<LifeRecord> {
    const { cast, temporal } = this.ground;
    const submission = await cast.submission(this.plan, this.#request);
    const loot: Loot & { sent: { verb: Saying['verb']; envelope: SignedEnvelope }[] } = {
      submission,
      sent: [],
    };
    const isStarted = await this.#start(submission);
    const watching = this.living.onStart?.(this.#request.id);
    await this.living.until;
    const startedAtMs = Date.now();
    for (const act of this.#timeline()) {
      if (!isStarted) break;
      await sleep(Math.max(0, startedAtMs + act.afterMs - Date.now()));
      if ('attack' in act) {
        this.#attacked.push(act.attack);
        await attack(temporal, this.#request.id, act.attack, loot);
      } else {
        if (act.verb === 'revoke' && this.living.waitsForGrant) await this.#granted();
        const envelope = await cast.sign(act, this.#request);
        loot.sent.push({ verb: act.verb, envelope });
        await this.#deliver(act, envelope);
        if (act.doubled) await this.#deliver(act, envelope);
      }
    }
    if (isStarted && this.plan.kind === 'emergency' && this.plan.sayings.length > 0) await this.#review();
    await watching;
    const { plan } = this;
    return {
      plan,
      request: this.#request,
      isStarted,
      delivered: this.#delivered,
      attacked: this.#attacked,
    };
  }

  #timeline(): readonly (Saying | Plan['attacks'][number])[] {
    const { sayings, attacks, durationMs } = this.plan;
    const later = attacks.map((one) =>
      one.attack === 'restart-when-over' ? { ...one, afterMs: one.afterMs + durationMs + 2_500 } : one,
    );
    return [...sayings, ...later].sort((a, b) => a.afterMs - b.afterMs);
  }

  async #start(submission: Parameters<Ground['client']['submit']>[0]): Promise<boolean> {
    const result = await this.#untilAnswered(() => this.#carrier.submit(submission));
    return result.code === undefined || result.code === 'ALREADY_SUBMITTED';
  }

  async #deliver(saying: Saying, envelope: SignedEnvelope): Promise<void> {
    const client = this.#carrier;
    const { id } = this.#request;
    const sentAtMs = Date.now();
    const settle = (fate: Fate, code?: string) =>
      this.#delivered.push({
        saying,
        fate,
        ...(code !== undefined && { code }),
        sentAtMs,
        settledAtMs: Date.now(),
      });
    const { value, code } =
      saying.via === 'signal'
        ? await this.#untilAnswered(() =>
            client.leaveStatement(id, saying.verb, envelope).then(() => 'left' as const),
          )
        : await this.#untilAnswered(() => client.sendStatement(id, envelope));
    if (value === undefined) settle(code === 'NOT_FOUND' ? 'gone' : 'undelivered', code);
    else if (value === 'left') settle('left');
    // An earlier attempt was accepted, and its answer was lost.
    else if (value.accepted || value.refusal?.code === 'REPLAYED') settle('accepted');
    else settle('refused', value.refusal?.code);
  }

  async #granted(): Promise<void> {
    const untilMs = Date.now() + this.#patienceMs;
    for (;;) {
      const { value } = await this.#untilAnswered(() => this.ground.client.get(this.#request.id));
      if (value?.lease !== undefined || Date.now() > untilMs) return;
      await sleep(TRY_AGAIN_MS);
    }
  }

  get #carrier(): Carrier {
    return this.living.carrier ?? this.ground.client;
  }

  get #patienceMs(): number {
    return this.living.patienceMs ?? DELIVER_WITHIN_MS;
  }

  #untilAnswered<T>(ask: () => Promise<T>) {
    return untilAnswered(ask, this.#patienceMs);
  }

  /** A reviewer sends the owed review as soon as access was granted. */
  async #review(): Promise<void> {
    if (this.living.waitsForGrant) await this.#granted();
    for (let tries = 0; tries < REVIEW_TRIES; tries += 1) {
      await this.#deliver(REVIEW, await this.ground.cast.sign(REVIEW, this.#request));
      const last = this.#delivered.pop();
      if (last === undefined || last.fate !== 'refused') return;
      await sleep(1_000);
    }
  }
}

/** Retries until there is an answer, which may be a refusal; gives up after a while. */
async function untilAnswered<T>(
  ask: () => Promise<T>,
  withinMs: number,
): Promise<{ readonly value?: T; readonly code?: string }> {
  const untilMs = Date.now() + withinMs;
  for (;;) {
    try {
      return { value: await ask() };
    } catch (error) {
      const code = error instanceof CountersignError ? error.code : 'FAILED';
      if (!RETRIABLE.includes(code) || Date.now() > untilMs) return { code };
    }
    await sleep(TRY_AGAIN_MS);
  }
}
