import { randomUUID } from 'node:crypto';
import type { CountersignClient } from '../../client';
import { signedEnvelopeSchema } from '../../contracts/request';
import { digestOf } from '../../domain/digest';
import { LIMITS } from '../../domain/limits';
import { hasAnyRole, PROCESS_OWNER_ROLE } from '../../domain/principal';
import { assess, type BundleSource, type LoadedBundle } from '../../policy';
import type { Caller } from '../auth/caller';
import type { UsedOnceOfKind } from '../auth/used-once';
import { HttpProblem, profileProblem } from '../http/problem';
import type { GatewayKeys } from '../keys';
import type { DenialBinding } from '../pdp/binding';
import type { RequestMapping } from '../pdp/mapping';
import { checkActor, itemsOf, useDenials } from './bind';
import type { CallbackWatch } from './callback-watch';
import type { Callbacks } from './callbacks';
import { carrying } from './carrying';
import { callbackOf, type Prepared, prepareItem } from './prepare';
import type { TaskItem, TaskRecord, TaskRecords } from './records';
import type { AccessRequestBody, TaskResponse } from './schema';
import type { TaskView } from './task-view';
import { Waits } from './waits';

/** How long a submission waits for a decision that needs no people, before it is answered as pending. */
const SYNCHRONOUS_MS = 5_000;
export interface TasksOptions {
  readonly client: CountersignClient;
  readonly keys: GatewayKeys;
  /** The identity that the gateway attests as. */
  readonly recorder: string;
  readonly bundles: BundleSource<LoadedBundle>;
  readonly binding: DenialBinding;
  readonly mapping: RequestMapping;
  /** Denials that were answered. */
  readonly used: UsedOnceOfKind;
  readonly records: TaskRecords;
  readonly callbacks: Callbacks;
  /** Stores and delivers callbacks. Absent if none are configured. */
  readonly watch?: CallbackWatch;
  readonly view: TaskView;
  readonly nowMs: () => number;
}

interface Submitted {
  readonly created: boolean;
  readonly response: TaskResponse;
}

/** The access request service. Each item of a task is one request, and so one workflow. */
export class Tasks {
  constructor(private readonly options: TasksOptions) {}

  /** Accepts a submission, or returns the one that the caller made before with the same key. */
  async submit(
    caller: Caller,
    body: AccessRequestBody,
    idempotencyKey: string | undefined,
  ): Promise<Submitted> {
    if (idempotencyKey === undefined) return this.#submitOnce(caller, body, undefined);
    // Concurrent attempts run one after the other, so that each finds what the earlier ones made.
    const name = `${caller.principal} ${idempotencyKey}`;
    const before = this.#underWay.get(name);
    const afterThat = async (): Promise<Submitted> => {
      await before?.catch(() => undefined);
      return this.#submitOnce(caller, body, idempotencyKey);
    };
    const attempt = afterThat();
    this.#underWay.set(name, attempt);
    try {
      return await attempt;
    } finally {
      if (this.#underWay.get(name) === attempt) this.#underWay.delete(name);
    }
  }

  readonly #underWay = new Map<string, Promise<Submitted>>();
  readonly #waits = new Waits();

  async #submitOnce(
    caller: Caller,
    body: AccessRequestBody,
    idempotencyKey: string | undefined,
  ): Promise<Submitted> {
    const digest = digestOf(body);
    const earlier = await this.#earlier(caller, idempotencyKey);
    if (earlier !== undefined && earlier.body !== digest)
      throw profileProblem('duplicate_request', 'the Idempotency-Key was used with another body');
    if (earlier?.isWhole) return this.#answer(caller, earlier);
    checkActor(caller, body);
    if (body.callback !== undefined)
      await this.options.callbacks.check(body.callback.endpoint, caller.principal);
    const { record, settled } = await this.#takeIn(caller, body, digest, idempotencyKey, earlier);
    return this.#answer(caller, record, settled ? SYNCHRONOUS_MS : 0);
  }

  /** Returns a task to a party to it. Waits up to `waitMs` for its decision, unless too many callers wait already. */
  async read(caller: Caller, id: string, waitMs = 0): Promise<TaskResponse> {
    const record = await this.#recordFor(caller, id);
    return this.#described(caller, record, waitMs);
  }

  /**
   * Cancels the pending requests of a task by a process owner's signed statements. The requester has no authority to cancel
   * (OVR-10).
   */
  async cancel(
    caller: Caller,
    id: string,
    statements: readonly { readonly format: 'jws'; readonly jws: string }[],
  ): Promise<TaskResponse> {
    const record = await this.#recordFor(caller, id, 'cancel');
    const seen = await this.options.view.look(record, 0);
    const pending = seen.filter((one) => one.status === 'pending');
    if (pending.length === 0) throw profileProblem('invalid_task_state', 'the task is over');
    if (!(await this.#isProcessOwner(caller)))
      throw new HttpProblem(
        403,
        'only a process owner can cancel; withdraw your own request with a signed statement',
      );
    if (statements.length !== pending.length)
      throw new HttpProblem(400, `sign one cancel statement for each of ${pending.length} pending requests`);
    // All are parsed before the first is sent, so that a bad one stops all of them.
    if (!statements.every((statement) => signedEnvelopeSchema.safeParse(statement).success))
      throw new HttpProblem(400, 'urn:countersign:statements: each is a signed statement, a compact JWS');
    for (const [index, { item }] of pending.entries()) {
      const statement = statements[index];
      if (statement === undefined) continue;
      const answer = await carrying(() => this.options.client.sendStatement(item.request.id, statement));
      if (!answer.accepted)
        throw new HttpProblem(403, answer.refusal?.detail ?? 'refused', {
          code: answer.refusal?.code ?? 'REFUSED',
        });
    }
    return this.options.view.describe(record, await this.options.view.look(record, 0));
  }

  /** Returns the ids of a task's requests, in the order of its items. */
  async requestIds(id: string): Promise<readonly string[]> {
    const record = await this.options.records.find(id);
    return record?.items.map(({ request }) => request.id) ?? [];
  }

  async #earlier(caller: Caller, key: string | undefined): Promise<TaskRecord | undefined> {
    if (key === undefined) return undefined;
    const { records } = this.options;
    const [single, bundle] = await Promise.all(
      [false, true].map((isBundle) => records.find(records.taskId(isBundle, 'key', caller.principal, key))),
    );
    return single ?? bundle;
  }

  /**
   * Starts a request for each item; for a task that broke off, only the missing ones. Nothing is stored, used up or started
   * before every item has been checked.
   */
  async #takeIn(
    caller: Caller,
    body: AccessRequestBody,
    digest: string,
    key: string | undefined,
    begun: TaskRecord | undefined,
  ) {
    const { bundles, records, client, nowMs, watch } = this.options;
    const isBundle = body.items !== undefined;
    const unique = key === undefined ? ['once', randomUUID()] : ['key', caller.principal, key];
    const id = records.taskId(isBundle, ...unique);
    const { context } = await bundles.current();
    const atMs = nowMs();
    const task = { id, digest, atMs, items: itemsOf(body) };
    const prepared: Prepared[] = [];
    for (const index of task.items.keys())
      prepared.push(await prepareItem(this.options, { context, caller, body }, task, index));
    if (body.callback !== undefined) await watch?.note(id);
    await useDenials(
      prepared.map(({ use }) => use),
      this.options.used,
      id,
      caller.principal,
    );
    const taken: TaskItem[] = [];
    for (const [index, { submission, item }] of prepared.entries()) {
      const there = begun?.items[index];
      if (there === undefined) await carrying(() => client.submit(submission));
      taken.push(there ?? item);
    }
    const record: TaskRecord = {
      id,
      isBundle,
      isWhole: true,
      body: digest,
      items: taken,
      ...(body.callback && { callback: callbackOf(body.callback) }),
    };
    records.remember(record);
    const settled = taken.every(({ request }) => assess(context, request, atMs).outcome !== 'approve');
    return { record, settled };
  }

  async #answer(caller: Caller, record: TaskRecord, waitMs = 0): Promise<Submitted> {
    const response = await this.#described(caller, record, waitMs);
    return { created: response.task.status !== 'pending', response };
  }

  async #described({ principal }: Caller, record: TaskRecord, waitMs: number): Promise<TaskResponse> {
    const { view } = this.options;
    const seen = await this.#waits.during(principal, waitMs, (ms) => view.look(record, ms));
    return view.describe(record, seen);
  }

  /** Answers those who are no party to a task as if it did not exist, so that ids cannot be probed. */
  async #recordFor(caller: Caller, id: string, operation: 'read' | 'cancel' = 'read'): Promise<TaskRecord> {
    const record = await this.options.records.find(id);
    const unknown = profileProblem('unknown_task', 'there is no such task for you');
    const [first] = record?.items ?? [];
    if (record === undefined || first === undefined) throw unknown;
    const { requester, beneficiary, submittedAtMs } = first.request;
    const isParty = caller.principal === requester || caller.principal === beneficiary;
    if (!isParty && !(operation === 'cancel' && (await this.#isProcessOwner(caller)))) throw unknown;
    if (this.options.nowMs() > submittedAtMs + LIMITS.pendingLifeMs)
      throw profileProblem('task_expired', 'the task is too old');
    return record;
  }

  async #isProcessOwner({ principal }: Caller): Promise<boolean> {
    const { context } = await this.options.bundles.current();
    const standing = context.directory.standingOf(principal, this.options.nowMs());
    return standing?.active === true && hasAnyRole(standing, [PROCESS_OWNER_ROLE]);
  }
}
