import { randomUUID } from 'node:crypto';
import type { CountersignClient } from '../../client';
import { signedEnvelopeSchema } from '../../contracts/request';
import { digestOf } from '../../domain/digest';
import { LIMITS } from '../../domain/limits';
import { hasAnyRole, PROCESS_OWNER_ROLE } from '../../domain/principal';
import { assess, type BundleSource, type LoadedBundle } from '../../policy';
import { SeenOnce } from '../../signing/seen';
import type { Caller } from '../auth/caller';
import { HttpProblem, profileProblem } from '../http/problem';
import type { GatewayKeys } from '../keys';
import type { DenialBinding } from '../pdp/binding';
import { checkActor, itemsOf, useDenials } from './bind';
import type { CallbackWatch } from './callback-watch';
import type { Callbacks } from './callbacks';
import { carrying } from './carrying';
import { callbackOf, type Prepared, prepareItem } from './prepare';
import type { TaskItem, TaskRecord, TaskRecords } from './records';
import type { AccessRequestBody, TaskResponse } from './schema';
import type { TaskView } from './task-view';
import { Waits } from './waits';

/** How long a submission waits for policy to let it through by itself, before it becomes a task to be asked about. */
const SYNCHRONOUS_MS = 5_000;
/** Answered denials that are remembered, each until it expires: in all, and of one caller. */
const MOST_USED = 200_000;
const MOST_USED_BY_ONE = 20_000;

export interface TasksOptions {
  readonly client: CountersignClient;
  readonly keys: GatewayKeys;
  /** The identity that the gateway attests as. */
  readonly recorder: string;
  readonly bundles: BundleSource<LoadedBundle>;
  readonly binding: DenialBinding;
  readonly records: TaskRecords;
  readonly callbacks: Callbacks;
  /** Keeps what is owed to those who want to be told; absent where nobody may be. */
  readonly watch?: CallbackWatch;
  readonly view: TaskView;
  readonly nowMs: () => number;
}

interface Submitted {
  readonly created: boolean;
  readonly response: TaskResponse;
}

/** The access request service. One item of a task is one request, and so one workflow. */
export class Tasks {
  readonly #used: SeenOnce;

  constructor(private readonly options: TasksOptions) {
    this.#used = new SeenOnce(MOST_USED, options.nowMs, MOST_USED_BY_ONE);
  }

  /** Takes a submission in, or finds the one that the caller has made before under the same key. */
  async submit(
    caller: Caller,
    body: AccessRequestBody,
    idempotencyKey: string | undefined,
  ): Promise<Submitted> {
    if (idempotencyKey === undefined) return this.#submitOnce(caller, body, undefined);
    // Attempts at once are one after the other, so that each finds what those before it have made.
    const name = `${caller.principal} ${idempotencyKey}`;
    const before = this.#underWay.get(name);
    const inTurn = async (): Promise<Submitted> => {
      await before?.catch(() => undefined);
      return this.#submitOnce(caller, body, idempotencyKey);
    };
    const attempt = inTurn();
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

  /** A task, for someone who is a party to it. Waits up to `waitMs` for it to be decided, where there is room to wait. */
  async read(caller: Caller, id: string, waitMs = 0): Promise<TaskResponse> {
    const record = await this.#recordFor(caller, id);
    return this.#described(caller, record, waitMs);
  }

  /**
   * Cancels what is pending. Having asked for something is no authority over it: that is a process owner's, and it is
   * their signed statement that does it, judged by the same rules as any other (OVR-10).
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
        'only a process owner can cancel; you can withdraw it with a signed statement',
      );
    if (statements.length !== pending.length)
      throw new HttpProblem(400, `sign one cancel statement for each of ${pending.length} pending requests`);
    // All of them are read before the first is carried: none is carried of what is refused as a whole.
    if (!statements.every((statement) => signedEnvelopeSchema.safeParse(statement).success))
      throw new HttpProblem(400, 'urn:countersign:statements: each is a signed statement, a compact JWS');
    for (const [index, { item }] of pending.entries()) {
      const statement = statements[index];
      if (statement === undefined) continue;
      const verdict = await carrying(() => this.options.client.sendStatement(item.request.id, statement));
      if (!verdict.accepted)
        throw new HttpProblem(403, verdict.refusal?.detail ?? 'refused', {
          code: verdict.refusal?.code ?? 'REFUSED',
        });
    }
    return this.options.view.describe(record, await this.options.view.look(record, 0));
  }

  /** The requests that a task consists of, in the order of its items. */
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
   * Starts a request for each item. Of a task that was begun and broke off, those that are not there yet. Nothing is noted,
   * used up or started before every item is known to be good.
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
    const { book } = await bundles.current();
    const atMs = nowMs();
    const task = { id, digest, atMs, items: itemsOf(body) };
    const prepared: Prepared[] = [];
    for (const index of task.items.keys())
      prepared.push(await prepareItem(this.options, { book, caller, body }, task, index));
    if (body.callback !== undefined) await watch?.note(id);
    useDenials(
      prepared.map(({ use }) => use),
      this.#used,
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
    const settled = taken.every(({ request }) => assess(book, request, atMs).outcome !== 'approve');
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

  /** Whoever has no part in a task hears the same as if it did not exist: ids cannot be tried out. */
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
    const { book } = await this.options.bundles.current();
    const standing = book.directory.standingOf(principal, this.options.nowMs());
    return standing?.active === true && hasAnyRole(standing, [PROCESS_OWNER_ROLE]);
  }
}
