import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { bundleWorkflowCode, DefaultLogger, NativeConnection, Worker } from '@temporalio/worker';
import type { DomainEvent } from '../../../src/client';
import { TASK_QUEUE, WORKFLOW_TYPE, workflowIdOf } from '../../../src/contracts/names';
import { requestDigest } from '../../../src/domain/digest';
import type { AccessRequest } from '../../../src/domain/request';
import { WRITE } from '../../support/harness-asks';
import { eventuallyTrue } from '../../support/harness-wait';
import { STRANGERS } from '../../support/stranger';
import type { RequestGateway } from '../gateway/support/request-gateway';

/*
 * A stranger with nothing but Temporal's client and a worker of their own starts workflows that say they are requests, with search
 * attributes and answers of their own making. Nothing of that may be shown to anyone as if it were true.
 */

export const APPROVER = 'person/mira';
const LIE = 'a reason that nobody gave';

export const CASES = [
  'a queue of their own without a worker',
  'a worker of their own that answers with an invented submission',
  'a worker of their own that answers with a true submission and an invented approval',
  'a worker of their own that answers with the events of another request',
  'a worker of their own that answers nothing that can be read',
  'a signal with a start',
  'a cron schedule that begins in a year',
  'a start that is put off by an hour',
  'another type of workflow under the id of a request',
  'a worker of their own that answers with a true submission and an invented grant',
  'a run of their own that continues as ours, with an invented grant',
  'a cron schedule that carries an invented grant',
  'a reset of a run that carries an invented grant',
  'a worker of their own that is listed as active, with an invented grant and an invented review',
] as const;
export type Case = (typeof CASES)[number];
/** Cases in which a stranger's worker answers with events, so that there is something to show. */
export const ANSWERED: readonly Case[] = [CASES[1], CASES[2], CASES[3], CASES[8], CASES[9]];
/** Cases that reach our own worker, which refuses what it is given, and are listed as waiting by nobody. */
const REFUSED: readonly Case[] = [CASES[10], CASES[11], CASES[12]];
/** How many the server lists as waiting for the approver. */
export const LISTED = CASES.length - REFUSED.length - 2;

const keyword = (name: string, value: string) => ({
  key: defineSearchAttributeKey(name, SearchAttributeType.KEYWORD),
  value,
});

const ATTRIBUTES = [
  keyword('CountersignStatus', 'awaiting_approval'),
  keyword('CountersignRequester', 'person/jonas'),
  keyword('CountersignBeneficiary', 'person/jonas'),
  keyword('CountersignEntitlement', 'warehouse:payments#admin'),
  {
    key: defineSearchAttributeKey('CountersignAwaiting', SearchAttributeType.KEYWORD_LIST),
    value: [APPROVER],
  },
];

/** Attributes of access that somebody holds, and whose review is owed. */
const HELD_ATTRIBUTES = [
  keyword('CountersignStatus', 'active'),
  keyword('CountersignRequester', 'ci/payments'),
  keyword('CountersignBeneficiary', 'ci/payments'),
  keyword('CountersignEntitlement', 'warehouse:payments#write'),
  keyword('CountersignReview', 'due'),
];

/** A stranger's worker, and what they made up beside one true request. */
export class Stranger {
  readonly #ids = new Map<Case, string>();

  private constructor(
    private readonly gateway: RequestGateway,
    private readonly connection: NativeConnection,
    private readonly worker: Worker,
    private readonly ended: Promise<void>,
    /** A true request, to see that what is true is shown. */
    readonly honest: AccessRequest,
  ) {}

  static async start(gateway: RequestGateway): Promise<Stranger> {
    const { harness } = gateway;
    const connection = await NativeConnection.connect({ address: harness.server.address });
    const workflowBundle = await bundleWorkflowCode({
      workflowsPath: path.join(__dirname, 'made-up-workflows.ts'),
      logger: new DefaultLogger('ERROR'),
    });
    const worker = await Worker.create({ connection, taskQueue: STRANGERS, workflowBundle });
    const honest = await harness.cast.ask(WRITE);
    const one = new Stranger(gateway, connection, worker, worker.run(), honest);
    await one.#makeUp(await harness.cast.events(honest));
    await eventuallyTrue('the server lists what was made up', async () => {
      const listed = new Set((await harness.client.list({ awaiting: APPROVER })).map(({ id }) => id));
      const isListed = (how: Case) =>
        REFUSED.includes(how) || how === CASES[8] || how === CASES[13] || listed.has(one.idOf(how));
      return CASES.every(isListed) && listed.has(honest.id);
    });
    return one;
  }

  idOf(how: Case): string {
    const id = this.#ids.get(how);
    if (id === undefined) throw new Error(how);
    return id;
  }

  async stop(): Promise<void> {
    this.worker.shutdown();
    await this.ended;
    await this.connection.close();
  }

  async #makeUp(events: readonly DomainEvent[]): Promise<void> {
    const { workflow } = this.gateway.harness.temporal;
    const begin = async (
      how: Case,
      id: string,
      answers: unknown,
      more: object = {},
      type = WORKFLOW_TYPE,
    ) => {
      this.#ids.set(how, id);
      const options = {
        workflowId: workflowIdOf(id),
        taskQueue: STRANGERS,
        typedSearchAttributes: ATTRIBUTES,
      };
      const args = [{ request: requestIn(events), proof: { format: 'jws', jws: 'a.b.c' } }, answers];
      await workflow.start(type, { ...options, args, ...more });
    };
    const [invented, ownId, silent, other] = [randomUUID(), randomUUID(), randomUUID(), randomUUID()];
    await begin(CASES[0], randomUUID(), {}, { taskQueue: 'nobody-works-here' });
    await begin(CASES[1], invented, {
      events: withRequest(events, { id: invented, reason: LIE }),
      request: null,
    });
    const approved = await this.#signed(events, byTomas);
    await begin(
      CASES[2],
      approved.id,
      { events: approved.events, request: null },
      { args: approved.answering },
    );
    await begin(CASES[3], ownId, { events, request: null });
    await begin(CASES[4], silent, { events: [{ type: 'all_good' }], request: 7 });
    const signalled = randomUUID();
    this.#ids.set(CASES[5], signalled);
    await workflow.signalWithStart(WORKFLOW_TYPE, {
      workflowId: workflowIdOf(signalled),
      taskQueue: 'nobody-works-here',
      args: [],
      signal: 'approve',
      signalArgs: [{ format: 'jws', jws: 'a.b.c' }],
      typedSearchAttributes: ATTRIBUTES,
    });
    const onOurs = { taskQueue: TASK_QUEUE };
    await begin(CASES[6], randomUUID(), {}, { ...onOurs, cronSchedule: '0 0 1 1 *' });
    await begin(CASES[7], randomUUID(), {}, { ...onOurs, startDelay: '1h' });
    const answers = { events: withRequest(events, { id: other, reason: LIE }), request: null };
    await begin(CASES[8], other, answers, {}, 'notARequest');
    const given = await this.#signed(events, granted);
    await begin(CASES[9], given.id, {}, { args: given.answering });
    const held = await this.#signed(events, grantedAndOwed);
    const attributes = { typedSearchAttributes: HELD_ATTRIBUTES };
    await begin(CASES[13], held.id, {}, { args: held.answering, ...attributes });
    await this.#carry(events);
  }

  /** What our own worker is given as the log of an earlier run. It refuses each. */
  async #carry(events: readonly DomainEvent[]): Promise<void> {
    const { workflow } = this.gateway.harness.temporal;
    const continued = await this.#signed(events, granted);
    this.#ids.set(CASES[10], continued.id);
    const become = { taskQueue: STRANGERS, typedSearchAttributes: ATTRIBUTES };
    const workflowId = workflowIdOf(continued.id);
    await workflow.start('becomeRequest', { ...become, workflowId, args: continued.carried });
    const again = await this.#signed(events, granted);
    this.#ids.set(CASES[12], again.id);
    await workflow.start('becomeRequest', {
      ...become,
      workflowId: workflowIdOf(again.id),
      args: again.carried,
    });
    await this.#untilRefused(continued.id);
    await this.#untilRefused(again.id);
    await this.#reset(again.id);
    await this.#untilRefused(again.id);
    const scheduled = await this.#signed(events, granted);
    this.#ids.set(CASES[11], scheduled.id);
    await workflow.start(WORKFLOW_TYPE, {
      workflowId: workflowIdOf(scheduled.id),
      taskQueue: TASK_QUEUE,
      args: scheduled.carried,
      cronSchedule: '@every 1s',
    });
    // The first run of a cron schedule continues nothing. It is a true request until somebody ends it.
    await this.gateway.harness.cast.settled({ id: scheduled.id });
    await this.gateway.harness.cast.say('person/tomas', 'deny', scheduled.request);
    await this.#untilRefused(scheduled.id);
  }

  async #untilRefused(id: string): Promise<void> {
    const { client } = this.gateway.harness;
    await eventuallyTrue(`${id} is refused`, async () => {
      const view = await client.get(id).catch(() => undefined);
      return view?.status === 'refused';
    });
  }

  async #reset(id: string): Promise<void> {
    const { temporal } = this.gateway.harness;
    const workflowId = workflowIdOf(id);
    const { runId } = await temporal.workflow.getHandle(workflowId).describe();
    const { events } = await temporal.workflow.getHandle(workflowId, runId).fetchHistory();
    const firstTask = events?.find((event) => event.workflowTaskCompletedEventAttributes != null);
    await temporal.workflowService.resetWorkflowExecution({
      namespace: 'default',
      workflowExecution: { workflowId, runId },
      requestId: randomUUID(),
      reason: 'by a stranger',
      workflowTaskFinishEventId: firstTask?.eventId ?? null,
    });
  }

  /** A submission that its requester signed but never made, with what nobody did. */
  async #signed(events: readonly DomainEvent[], more: (id: string, atMs: number) => readonly DomainEvent[]) {
    const { cast } = this.gateway.harness;
    const request = cast.compose(WRITE);
    const submission = await cast.submission(request);
    const digest = requestDigest(request);
    const base = events.map((event) =>
      event.type === 'submitted' ? { ...event, submission, digest } : event,
    );
    const all = [...base, ...more(request.id, (events.at(-1)?.atMs ?? 0) + 1)];
    return {
      id: request.id,
      request,
      events: all,
      answering: [submission, { events: all, request: null }],
      carried: [submission, { events: all, uncountedRefusals: 0 }],
    };
  }
}

const byTomas = (_id: string, atMs: number): readonly DomainEvent[] => [
  {
    type: 'approval_counted',
    atMs,
    ...{ by: 'person/tomas', stage: 'owner', jti: 'made-up', expiresAtMs: atMs + 3_600_000 },
  },
];

const granted = (id: string, atMs: number): readonly DomainEvent[] => [
  { type: 'approved', atMs },
  { type: 'provisioning_started', atMs },
  {
    type: 'granted',
    atMs,
    lease: { id, account: 'payments_ci', grantedAtMs: atMs, expiresAtMs: atMs + 60_000 },
  },
];

const grantedAndOwed = (id: string, atMs: number): readonly DomainEvent[] =>
  granted(id, atMs).map((event) =>
    event.type === 'granted' ? { ...event, reviewDueAtMs: atMs + 60_000, reviewers: [APPROVER] } : event,
  );

const requestIn = (events: readonly DomainEvent[]): AccessRequest => {
  const [first] = events;
  if (first?.type !== 'submitted') throw new Error('no submission');
  return first.submission.request;
};

/** The events of the true request, about a request that nobody signed. */
const withRequest = (
  events: readonly DomainEvent[],
  changes: Partial<AccessRequest>,
): readonly DomainEvent[] =>
  events.map((event) => {
    if (event.type !== 'submitted') return event;
    const request = { ...event.submission.request, ...changes };
    return { ...event, submission: { ...event.submission, request }, digest: requestDigest(request) };
  });
