import { CountersignError } from '../../../src/client';
import type { RequestRow } from '../../../src/contracts/snapshot';
import { decide } from '../../../src/domain/decide';
import type { DomainEvent } from '../../../src/domain/event';
import { evolve } from '../../../src/domain/evolve';
import type { AccessRequest, Submission } from '../../../src/domain/request';
import type { RequestState } from '../../../src/domain/state';
import { VerifiedRequests } from '../../../src/verified/verified-requests';
import { aRequest, MINUTE, START } from '../../support/domain/builders';
import { assess } from '../../support/domain/commands';
import { LEAD_1, OWNER, REQUESTER } from '../../support/domain/people';
import { DirectoryInMemory, PolicyInMemory, sealed, submitted } from '../../support/domain/ports';
import { aStatement } from '../../support/domain/statements';

/** What a stranger's rows have for a signature. */
const FORGED = sealed(aStatement('approve', OWNER));

interface Entry {
  readonly submission: Submission;
  /** Absent if no worker answers for it. */
  readonly events?: readonly DomainEvent[];
}

/** A server with requests, newest first, that counts what is read of it. */
class Server {
  readonly reads = { submissions: 0, events: 0 };
  #asking = 0;
  mostAsked = 0;
  readonly #entries = new Map<string, Entry>();

  honest(id: string, requester = REQUESTER): void {
    const request = aRequest({ id, requester });
    const submission = submitted(request);
    this.#entries.set(id, { submission, events: eventsOf(submission) });
  }

  /** Signed by its requester, and run by nobody. */
  silent(id: string, requester: string): void {
    this.#entries.set(id, { submission: submitted(aRequest({ id, requester })) });
  }

  madeUp(id: string): void {
    const submission = { ...submitted(aRequest({ id })), proof: FORGED };
    this.#entries.set(id, { submission, events: eventsOf(submission) });
  }

  async *rows(): AsyncGenerator<RequestRow> {
    for (const [id, { submission }] of [...this.#entries].toReversed()) yield rowOf(id, submission.request);
  }

  /** Every history stays as long as it is. */
  async historyLength(): Promise<number> {
    return 1;
  }

  async latestRun() {
    return { runId: 'run-1', length: 1 };
  }

  async submissionOf(id: string): Promise<Submission> {
    this.reads.submissions += 1;
    return this.#entry(id).submission;
  }

  async events(id: string): Promise<readonly DomainEvent[]> {
    this.reads.events += 1;
    const { events, submission } = this.#entry(id);
    if (events !== undefined) return events;
    if (submission.request.requester === OWNER) this.#ask();
    await new Promise((resolve) => setTimeout(resolve, 10_000).unref());
    this.#asking -= 1;
    throw new CountersignError('NOT_ANSWERING', 'no worker answered');
  }

  #ask(): void {
    this.#asking += 1;
    this.mostAsked = Math.max(this.mostAsked, this.#asking);
  }

  #entry(id: string): Entry {
    const entry = this.#entries.get(id);
    if (entry === undefined) throw new CountersignError('NOT_FOUND', id);
    return entry;
  }

  verified(): VerifiedRequests {
    const reader = { directory: new DirectoryInMemory(), policy: new PolicyInMemory() };
    return new VerifiedRequests({ requests: this, reader: async () => reader, nowMs: () => START + MINUTE });
  }
}

function eventsOf(submission: Submission): readonly DomainEvent[] {
  const events: DomainEvent[] = [];
  let state: RequestState | null = null;
  for (const command of [{ type: 'submit', atMs: START, submission } as const, assess()])
    for (const event of decide(state, command)) {
      events.push(event);
      state = evolve(state, event);
    }
  return events;
}

const rowOf = (id: string, { requester, beneficiary }: AccessRequest): RequestRow => ({
  id,
  basis: 'server',
  runId: `run-of-${id}`,
  status: 'awaiting_approval',
  ...{ requester, beneficiary, entitlement: 'db:orders#write', emergency: false },
  awaiting: [LEAD_1],
});

const idsOf = (rows: readonly { readonly id: string }[]) => rows.map(({ id }) => id);

describe('TTA-5, WEB-5 what is made up cannot push true requests out of a list', () => {
  it('finds a true request behind five thousand that nobody signed, and asks no worker for those', async () => {
    const server = new Server();
    server.honest('true-0001');
    for (let index = 0; index < 5_000; index += 1) server.madeUp(`made-up-${index}`);
    const verified = server.verified();
    let list = await verified.awaiting(LEAD_1);
    // A slow machine does not verify as many in the time of one look. Each look goes on where the last one stopped.
    for (let looks = 1; looks < 10 && !list.isWhole; looks += 1) list = await verified.awaiting(LEAD_1);
    expect([idsOf(list.rows), list.withheld.length, list.isWhole]).toEqual([['true-0001'], 5_000, true]);
    expect(server.reads).toEqual({ submissions: 5_001, events: 1 });
  }, 60_000);

  it('finds true requests among those of one requester who signed a thousand that nobody runs, and says what is missing', async () => {
    const server = new Server();
    server.honest('true-0001');
    for (let index = 0; index < 1_000; index += 1) server.silent(`silent-${index}`, OWNER);
    server.honest('true-0002');
    const { rows, withheld } = await server.verified().awaiting(LEAD_1);
    expect(idsOf(rows)).toEqual(['true-0002', 'true-0001']);
    expect([withheld.length, withheld.every(({ isSilent }) => isSilent)]).toEqual([1_000, true]);
    expect(server.mostAsked).toBeLessThanOrEqual(4);
  }, 30_000);

  it('stops when there are enough, and says that the list is whole as far as it was asked for', async () => {
    const server = new Server();
    for (let index = 0; index < 300; index += 1) server.honest(`true-${index}`);
    const list = await server.verified().awaiting(LEAD_1, 10);
    expect([idsOf(list.rows).length, list.isWhole]).toEqual([10, true]);
    expect(server.reads.events).toBeLessThan(100);
  });

  it('says so if the server lists more than can be looked at in time', async () => {
    const server = new Server();
    server.honest('true-0001');
    const verified = server.verified();
    Object.assign(server, {
      rows: async function* (this: Server) {
        yield rowOf('true-0001', aRequest({ id: 'true-0001' }));
        await new Promise((resolve) => setTimeout(resolve, 6_000).unref());
      },
    });
    const list = await verified.awaiting(LEAD_1);
    expect([idsOf(list.rows), list.isWhole]).toEqual([['true-0001'], false]);
  }, 20_000);
});
