import { setTimeout as sleep } from 'node:timers/promises';
import { workflowIdOf } from '../../../src/contracts/names';
import type { AccessRequest, Submission } from '../../../src/domain/request';
import { selfOf } from '../cast';
import type { Ground } from '../ground';
import type { Plan, Saying } from '../plan';
import { type Call, NoSuchThing, type Target } from './call';

export const PHASES = ['waiting', 'provisioning', 'active', 'revoking'] as const;
export type Phase = (typeof PHASES)[number];

/** The outcome of one request after one call. */
export interface Cell {
  readonly call: string;
  readonly phase: Phase;
  /** The server's answer. */
  readonly answer: string;
  /** Access that nobody had approved. */
  readonly unauthorised: boolean;
  /** How often access was given. */
  readonly given: number;
  /** How long access outlived its end; undefined if none was given. */
  readonly lagMs?: number;
  /** True if it was still there when we stopped waiting. */
  readonly alive: boolean;
}

const GRANT_MS = 4_000;
/** Long enough for all to be active before the first one ends. */
const GRANT_BEFORE_REVOKING_MS = 12_000;
/** How long to wait until access is gone: far less than the stated lag, which allows for outages. */
const GONE_WITHIN_MS = 25_000;
const SETTLE_MS = 2_500;
const APPROVAL: Saying = {
  afterMs: 0,
  by: 'person/mira',
  verb: 'approve',
  revision: 0,
  via: 'signal',
  flaw: 'none',
  doubled: false,
};

/** One request that is brought into a phase, attacked with a call, and watched to its end. */
class Subject {
  #answer = 'not made';
  #unauthorised = false;
  #target: Target | undefined;
  readonly #request: AccessRequest;

  constructor(
    private readonly ground: Ground,
    private readonly plan: Plan,
    readonly call: Call,
    private readonly phase: Phase,
  ) {
    this.#request = ground.cast.request(plan);
  }

  async start(): Promise<void> {
    const submission = await this.ground.cast.submission(this.plan, this.#request);
    await this.ground.client.submit(submission);
    await this.#until('awaiting_approval');
    this.#target = await this.#targetOf(submission);
  }

  async approve(): Promise<void> {
    const envelope = await this.ground.cast.sign(APPROVAL, this.#request);
    await this.ground.client.leaveStatement(this.#request.id, 'approve', envelope).catch(() => undefined);
  }

  reached(status: string): Promise<void> {
    return this.#until(status);
  }

  async makeCall(): Promise<void> {
    if (this.#target === undefined) throw new Error('not started');
    const target = this.#target;
    this.#answer = await this.ground.temporal
      .withDeadline(Date.now() + 6_000, () => this.call.make(target))
      .then(
        () => 'done',
        (error: unknown) => answerOf(error),
      );
  }

  async undo(): Promise<void> {
    if (this.#target !== undefined) await this.call.undo?.(this.#target).catch(() => undefined);
  }

  /** Before an approval there must be no access. */
  async lookForAccess(): Promise<void> {
    this.#unauthorised = (await this.#holds()) || (await this.#changes()).given > 0;
  }

  async end(): Promise<Cell> {
    const untilMs = Date.now() + GONE_WITHIN_MS;
    while ((await this.#holds()) && Date.now() < untilMs) await sleep(200);
    const alive = await this.#holds();
    const { given, lagMs } = await this.#changes();
    return {
      call: this.call.name,
      phase: this.phase,
      answer: this.#answer,
      unauthorised: this.#unauthorised,
      given,
      ...(lagMs !== undefined && { lagMs }),
      alive,
    };
  }

  async #targetOf(submission: Submission): Promise<Target> {
    const { workflowService: service } = this.ground.temporal;
    const workflowId = workflowIdOf(this.#request.id);
    const { runId } = await this.ground.temporal.workflow.getHandle(workflowId).describe();
    return { service, workflowId, runId, submission };
  }

  async #until(status: string): Promise<void> {
    for (let tries = 0; tries < 150; tries += 1) {
      const view = await this.ground.client.get(this.#request.id).catch(() => undefined);
      if (view?.status === status) return;
      await sleep(100);
    }
    throw new Error(`a request did not become ${status}`);
  }

  async #holds(): Promise<boolean> {
    const rows = await this.ground.postgres.query(
      'SELECT 1 FROM pg_auth_members WHERE member = (SELECT oid FROM pg_roles WHERE rolname = $1)',
      [selfOf(this.plan).account],
    );
    return rows.length > 0;
  }

  async #changes(): Promise<{ readonly given: number; readonly lagMs?: number }> {
    const rows = await this.ground.postgres.query(
      `SELECT count(*) FILTER (WHERE after->>'account' IS NOT NULL AND after->>'ended_at_ms' IS NULL) AS given,
              max((after->>'ended_at_ms')::bigint - (after->>'expires_at_ms')::bigint) AS lag
         FROM watch.change WHERE after->>'lease_id' = $1`,
      [this.#request.id],
    );
    const [row] = rows;
    const lag = row?.['lag'];
    return { given: Number(row?.['given'] ?? 0), ...(lag != null && { lagMs: Number(lag) }) };
  }
}

/** Makes the calls in one phase at the same time, each on its own request. */
export async function tryPhase(
  ground: Ground,
  phase: Phase,
  calls: readonly Call[],
  plans: () => Plan,
): Promise<readonly Cell[]> {
  const subjects = calls.map(
    (call) =>
      new Subject(
        ground,
        { ...plans(), durationMs: phase === 'revoking' ? GRANT_BEFORE_REVOKING_MS : GRANT_MS },
        call,
        phase,
      ),
  );
  const all = (act: (subject: Subject) => Promise<unknown>) => Promise.all(subjects.map(act));
  await all((subject) => subject.start());
  switch (phase) {
    case 'waiting':
      await all((subject) => subject.makeCall());
      await sleep(SETTLE_MS);
      await all((subject) => subject.lookForAccess());
      await all((subject) => subject.approve());
      await sleep(SETTLE_MS);
      break;
    case 'provisioning':
      ground.proxy.turn('down');
      await all((subject) => subject.approve());
      await all((subject) => subject.reached('provisioning'));
      await all((subject) => subject.makeCall());
      await sleep(SETTLE_MS);
      ground.proxy.turn('fair');
      await sleep(2 * SETTLE_MS);
      break;
    case 'active':
      await all((subject) => subject.approve());
      await all((subject) => subject.reached('active'));
      await all((subject) => subject.makeCall());
      break;
    case 'revoking':
      await all((subject) => subject.approve());
      await all((subject) => subject.reached('active'));
      ground.proxy.turn('down');
      // Past the end, and past the first try to end it.
      await sleep(GRANT_BEFORE_REVOKING_MS + SETTLE_MS);
      await all((subject) => subject.makeCall());
      await sleep(SETTLE_MS);
      ground.proxy.turn('fair');
  }
  const cells = await all((subject) => subject.end());
  for (const subject of subjects) await subject.undo();
  return cells as readonly Cell[];
}

/** Names of the gRPC statuses that answer these calls. */
const STATUSES: Readonly<Record<number, string>> = {
  1: 'cancelled',
  3: 'invalid',
  4: 'no answer',
  5: 'not found',
  6: 'exists',
  7: 'not permitted',
  9: 'precondition failed',
  12: 'not there',
};

function answerOf(error: unknown): string {
  if (error instanceof NoSuchThing) return 'nothing to call';
  const code = typeof error === 'object' && error !== null && 'code' in error ? Number(error.code) : -1;
  return STATUSES[code] ?? `error ${code}`;
}
