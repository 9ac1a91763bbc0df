import { setTimeout as sleep } from 'node:timers/promises';
import type { DomainEvent } from '../../../src/client';
import { workflowIdOf } from '../../../src/contracts/names';
import type { Ground } from '../ground';
import { live } from '../live';
import type { Observer } from '../observer';
import type { Kind, Plan, Saying } from '../plan';

/** Shorter than a worker can be down, so that a lease can end before its workflow learns of it. The outcome must be the same. */
const GRANT_MS = 5_000;
const OVER_WITHIN_MS = 90_000;
/** Other lives crash the worker too, so senders retry until their statement is delivered. */
const PATIENCE_MS = 600_000;
/** Lives that reach their event at about the same time share a crash. */
const GATHER_MS = 120;

const say = (by: string, verb: Saying['verb'], afterMs: number, more: Partial<Saying> = {}): Saying => ({
  afterMs,
  by,
  verb,
  revision: 0,
  via: 'update',
  flaw: 'none',
  doubled: false,
  ...more,
});

const mira = say('person/mira', 'approve', 50);
const LIVES: Readonly<
  Record<string, { readonly kind: Kind; readonly sayings: readonly Saying[]; readonly ms?: number }>
> = {
  'policy alone': { kind: 'read', sayings: [] },
  'one approver': { kind: 'write', sayings: [mira] },
  'two stages': { kind: 'admin', sayings: [mira, say('person/david', 'approve', 100)] },
  'emergency with review': { kind: 'emergency', sayings: [say('person/sofia', 'approve', 50)] },
  rerouted: {
    kind: 'write',
    sayings: [
      say('person/nadia', 'reroute', 20),
      { ...mira, afterMs: 60 },
      say('person/david', 'approve', 100, { revision: 1 }),
    ],
  },
  'refused statements, then denied': {
    kind: 'write',
    sayings: [
      say('person/lena', 'approve', 20),
      say('person/mira', 'approve', 40, { flaw: 'wrong-digest' }),
      say('person/tomas', 'deny', 60),
    ],
  },
  cancelled: { kind: 'write', sayings: [say('person/chen', 'cancel', 50)] },
  withdrawn: { kind: 'write', sayings: [say('self', 'withdraw', 50)] },
  revoked: { kind: 'write', sayings: [mira, say('person/greta', 'revoke', 200)], ms: PATIENCE_MS },
  'hard stop': { kind: 'control', sayings: [] },
};
const KINDS_OF_LIVES = Object.keys(LIVES);

/** The outcome of a life, without anything that depends on time or chance. */
interface Outcome {
  readonly life: string;
  readonly status: string;
  readonly events: readonly string[];
  readonly given: number;
  readonly ended: string | null;
}

/** A life, and the event of its history after which the worker is killed; 0 means never. */
export interface Crashing {
  readonly life: string;
  readonly plan: Plan;
  readonly step: number;
}

/** One life of each kind, without a crash. */
export const undisturbed = (): readonly Crashing[] =>
  KINDS_OF_LIVES.map((life, index) => ({ life, plan: planOf(life, index), step: 0 }));

/** Each life once for every requested event that its undisturbed history has. */
export function everyCrash(
  lengths: ReadonlyMap<string, number>,
  isWanted: (step: number) => boolean,
): readonly Crashing[] {
  const crashes = [...lengths].flatMap(([life, length]) =>
    Array.from({ length }, (_, index) => ({ life, step: index + 1 })),
  );
  return crashes
    .filter(({ step }) => isWanted(step))
    .sort((one, other) => one.step - other.step)
    .map(({ life, step }, index) => ({ life, plan: planOf(life, index), step }));
}

function planOf(life: string, index: number): Plan {
  const { kind, sayings, ms: durationMs = GRANT_MS } = LIVES[life] ?? { kind: 'read', sayings: [] };
  return { index, kind, course: 'crash', durationMs, sayings, attacks: [], overlaps: false };
}

/** Runs the plans at the same time. The worker is killed whenever one of them has reached its event. */
export async function crashAt(ground: Ground, observer: Observer, lives: readonly Crashing[]) {
  const crasher = new Crasher(ground);
  let reached = 0;
  const lived = await Promise.all(
    lives.map(async ({ life, plan, step }) => {
      const onStart = async (requestId: string) => {
        if (step > 0 && (await reaches(ground, requestId, step))) {
          reached += 1;
          await crasher.crash();
        }
      };
      const [record] = await live(ground, plan, { onStart, patienceMs: PATIENCE_MS, waitsForGrant: true });
      if (record === undefined) throw new Error('no life was run');
      return { step, life, requestId: record.request.id };
    }),
  );
  // Read after the last crash.
  const outcomes = await Promise.all(
    lived.map(async ({ step, life, requestId }) => ({
      life,
      step,
      outcome: await outcomeOf(ground, observer, life, requestId),
      length: await lengthOf(ground, requestId),
    })),
  );
  return { outcomes, reached, kills: crasher.kills };
}

/** Kills the worker and starts it again. Lives that ask for a crash meanwhile share this one. */
class Crasher {
  kills = 0;
  #crashing: Promise<void> | undefined;

  constructor(private readonly ground: Ground) {}

  crash(): Promise<void> {
    this.#crashing ??= this.#crash().finally(() => {
      this.#crashing = undefined;
    });
    return this.#crashing;
  }

  async #crash(): Promise<void> {
    this.kills += 1;
    await this.ground.killWorker('a');
    await sleep(GATHER_MS);
    await this.ground.startWorker('a');
  }
}

/** Follows a history until it has that many events. Returns false if it ends before. */
async function reaches({ temporal }: Ground, requestId: string, count: number): Promise<boolean> {
  const execution = { workflowId: workflowIdOf(requestId) };
  let nextPageToken: Uint8Array | null | undefined;
  let seen = 0;
  for (;;) {
    const page = await temporal.workflowService
      .getWorkflowExecutionHistory({
        namespace: 'default',
        execution,
        waitNewEvent: true,
        ...(nextPageToken && { nextPageToken }),
      })
      .catch(() => undefined);
    if (page === undefined) {
      await sleep(200);
      continue;
    }
    seen += page.history?.events?.length ?? 0;
    if (seen >= count) return true;
    nextPageToken = page.nextPageToken;
    if (!nextPageToken?.length) return false;
  }
}

async function lengthOf({ temporal }: Ground, requestId: string): Promise<number> {
  const handle = temporal.workflow.getHandle(workflowIdOf(requestId));
  const history = await patiently(() => handle.fetchHistory());
  return history.events?.length ?? 0;
}

async function outcomeOf(
  { temporal, client }: Ground,
  observer: Observer,
  life: string,
  requestId: string,
): Promise<Outcome> {
  const untilMs = Date.now() + OVER_WITHIN_MS;
  const handle = temporal.workflow.getHandle(workflowIdOf(requestId));
  const isRunning = async () => (await handle.describe()).status.name === 'RUNNING';
  while ((await patiently(isRunning)) && Date.now() < untilMs) await sleep(200);
  const view = await patiently(() => client.get(requestId));
  const events = await patiently(() => client.events(requestId));
  const changes = (await observer.changes()).filter(({ after }) => after?.lease_id === requestId);
  const isGiving = (row: (typeof changes)[number]['after']) =>
    row?.account != null && row.ended_at_ms === null;
  return {
    life,
    status: view.status,
    events: [...new Set(refusalsIn(events)), ...events.map(({ type }) => type).filter(isNoRefusal)].sort(),
    given: changes.filter(({ before, after }) => before === null && isGiving(after)).length,
    ended: changes.at(-1)?.after?.end_reason ?? null,
  };
}

/**
 * A sender without an answer sends again. If the first one was delivered, the second is recorded as a refusal; a refused statement
 * is refused each time it is sent. So only who was refused what, and the first reason, are compared.
 */
function refusalsIn(events: readonly DomainEvent[]): readonly string[] {
  const first = new Map<string, string>();
  for (const event of events) {
    if (event.type !== 'statement_refused' || event.refusal.code === 'REPLAYED') continue;
    const said = `${event.verb} by ${event.by}`;
    if (!first.has(said)) first.set(said, `refused ${said}: ${event.refusal.code}`);
  }
  return [...first.values()];
}

const isNoRefusal = (type: string): boolean => type !== 'statement_refused';

/** The worker may be dead at this very moment. */
async function patiently<T>(ask: () => Promise<T>): Promise<T> {
  const untilMs = Date.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (Date.now() > untilMs) throw error;
      await sleep(500);
    }
  }
}
