import { Client, type WorkflowExecutionInfo } from '@temporalio/client';
import type { History } from '@temporalio/common/lib/proto-utils';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { connectTo, guard } from './client-errors';
import { configuredCodecs } from './codec/encryption-codec';
import { openHistory } from './codec/open-history';
import { check, checkSubmission } from './contracts/check';
import { CountersignError } from './contracts/error';
import { eventsSchema } from './contracts/event';
import { breakIn, rowOf } from './contracts/listed-row';
import {
  type RequestFilter,
  type RequestSpan,
  requestFilterSchema,
  spanQuery,
  visibilityQuery,
} from './contracts/listing';
import {
  AWAITING_MORE,
  DENIAL_WORKFLOW_TYPE,
  EVENTS_QUERY,
  REQUEST_QUERY,
  requestIdOf,
  SUBMIT_STATEMENT_UPDATE,
  TASK_QUEUE,
  WORKFLOW_TYPE,
  workflowIdOf,
} from './contracts/names';
import { isDecided } from './contracts/progress';
import { requestId as requestIdSchema, signedEnvelopeSchema, submissionSchema } from './contracts/request';
import {
  type ClaimedView,
  type DenialReportAnswer,
  denialReportAnswerSchema,
  type RequestRow,
  requestViewSchema,
  type StatementAnswerView,
  statementAnswerSchema,
  type WorkflowBreak,
} from './contracts/snapshot';
import { digestOfText } from './domain/digest';
import type { DomainEvent } from './domain/event';
import { envelopeText, type SignedEnvelope, type Submission } from './domain/request';
import type { Verb } from './domain/statement';
import { tracedClient } from './telemetry/client-interceptor';
import { type Tracing, UNTRACED } from './telemetry/tracing';
import { payloadConverter } from './workflows/payload-converter';

export { CountersignError } from './contracts/error';
export type { RequestFilter } from './contracts/listing';
export type {
  ClaimedView,
  DenialReportAnswer,
  RequestRow,
  RequestView,
  StatementAnswerView,
} from './contracts/snapshot';
export type { DomainEvent } from './domain/event';
export type { AccessRequest, SignedEnvelope, Submission } from './domain/request';
export { generateKey, importSigningKey, readKeyFile, type SigningKey, writeKeyFile } from './signing/keys';
export { makeRequest, type RequestDraft } from './signing/make-request';
export {
  type DenialDraft,
  type StatementDraft,
  signDenialReport,
  signStatement,
  signSubmission,
} from './signing/sign';

/** Rows of one page of the server's list. Most readers want fewer than the thousand that it sends by itself, and all are served while a page is decoded. */
const ROWS_AT_ONCE = 200;

const ANSWER_WITHIN_MS = 10_000;
const PAYLOAD_CONVERTER = require.resolve('./workflows/payload-converter');

export interface ClientOptions {
  readonly taskQueue?: string;
  /** Address of the Temporal server, `host:port`. Default: the one that the environment names. */
  readonly address?: string;
  /** File with the codec's keys, if what the server stores is encrypted. Default: `COUNTERSIGN_CODEC_KEYS`. */
  readonly codecKeys?: string;
  /** Where spans go; it also passes the caller's trace on to the request. Without it, nothing is traced. */
  readonly tracing?: Tracing;
}

/**
 * For services that ask for access and carry statements. It decides nothing and holds no authority, because everything that
 * it sends is signed by the person or identity concerned. Methods throw `CountersignError` with a stable `code`, and
 * nothing else.
 */
export class CountersignClient {
  readonly #client: Client;
  readonly #taskQueue: string;
  readonly #address: string;

  constructor(client: Client, { taskQueue = TASK_QUEUE, address = 'its address' }: ClientOptions = {}) {
    this.#client = client;
    this.#taskQueue = taskQueue;
    this.#address = address;
  }

  /** Connects with the settings in Temporal's own environment variables and profile file. Call `close` when done. */
  static async connect(options: ClientOptions = {}): Promise<CountersignClient> {
    const { connectionOptions, namespace } = loadClientConnectConfig();
    const payloadCodecs = codecsOf(options);
    const server = {
      connectTimeout: '5s',
      ...connectionOptions,
      ...(options.address && { address: options.address }),
    } as const;
    const connection = await connectTo(server);
    const dataConverter = { payloadConverterPath: PAYLOAD_CONVERTER, payloadCodecs };
    return new CountersignClient(
      new Client({ connection, ...(namespace && { namespace }), dataConverter, ...tracedBy(options) }),
      { ...options, address: connection.options.address },
    );
  }

  /** Resolves if the server answers within two seconds. @throws CountersignError `UNREACHABLE` or `NOT_ANSWERING` */
  async ping(): Promise<void> {
    await this.#guard(() =>
      this.#client.withDeadline(Date.now() + 2_000, () => this.#client.workflowService.getSystemInfo({})),
    );
  }

  async close(): Promise<void> {
    await this.#client.connection.close();
  }

  /**
   * Starts the request and returns its id. One id is one request for ever.
   *
   * @throws CountersignError `ALREADY_SUBMITTED` if a request has this id, even one that has ended
   */
  async submit(submission: Submission): Promise<string> {
    const { request, proof } = checkSubmission(submission);
    await this.#guard(() =>
      this.#client.workflow.start(WORKFLOW_TYPE, {
        workflowId: workflowIdOf(request.id),
        taskQueue: this.#taskQueue,
        args: [{ request, proof }],
        workflowIdReusePolicy: 'REJECT_DUPLICATE',
        staticSummary: `${request.entitlement.action} on ${request.entitlement.resource} for ${request.beneficiary}`,
      }),
    );
    return request.id;
  }

  /**
   * The current state of a request, as the server has it. Do not act on it alone: a gateway shows a request with what of it is
   * proved (`GET /v1/requests/{id}`), and so does `countersign request show`.
   */
  async get(requestId: string): Promise<ClaimedView> {
    const view = await this.#getWhenRead(requestId);
    if (view === undefined)
      throw new CountersignError('NOT_ANSWERING', `request ${requestId} is still being read`);
    return view;
  }

  /** What was submitted. Read from the first event of the history, so it needs no worker. */
  async submissionOf(requestId: string): Promise<Submission> {
    const { payloadCodecs } = this.#client.options.loadedDataConverter;
    const history = await this.#guard(async () =>
      openHistory(await this.#beginningOf(requestId), payloadCodecs),
    );
    const [payload] = history.events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads ?? [];
    const input: unknown = payload && payloadConverter.fromPayload(payload);
    return check(submissionSchema, input, 'INVALID_REQUEST', 'submission in the history');
  }

  /**
   * Returns how the workflow of a request was ended from outside, which only somebody with access to the namespace does. Undefined if
   * it runs, or ended by itself.
   *
   * @throws CountersignError `NOT_FOUND` if there is none, or none any more
   */
  async breakOf(requestId: string): Promise<WorkflowBreak | undefined> {
    const { status } = await this.#guard(() => this.#handle(requestId).describe());
    return breakIn(status.name);
  }

  /** The first event of the latest run. */
  async #beginningOf(requestId: string): Promise<History> {
    const { workflowId } = this.#handle(requestId);
    const { history } = await this.#client.workflowService.getWorkflowExecutionHistory({
      namespace: this.#client.options.namespace,
      execution: { workflowId },
      maximumPageSize: 1,
    });
    return history ?? {};
  }

  /** The Temporal history of a request, decrypted, for replay and evidence. */
  history(requestId: string): Promise<History> {
    const { payloadCodecs } = this.#client.options.loadedDataConverter;
    return this.#guard(async () => openHistory(await this.#handle(requestId).fetchHistory(), payloadCodecs));
  }

  /**
   * What has happened to a request, oldest first.
   *
   * @throws CountersignError `NOT_ANSWERING` if a worker answers with something else than events that this version knows
   */
  async events(requestId: string): Promise<readonly DomainEvent[]> {
    const events = await this.#query(requestId, EVENTS_QUERY);
    return check(eventsSchema, events, 'NOT_ANSWERING', 'events in the answer of the worker');
  }

  /** How long the history of a request is. It grows with whatever happens to the request. Needs no worker. */
  async historyLength(requestId: string): Promise<number> {
    return (await this.latestRun(requestId)).length;
  }

  /** The latest run of a request, and how long its history is. Needs no worker. @throws CountersignError `NOT_FOUND` */
  async latestRun(requestId: string): Promise<{ readonly runId: string; readonly length: number }> {
    const { runId, historyLength } = await this.#guard(() => this.#handle(requestId).describe());
    return { runId, length: historyLength };
  }

  /**
   * Waits until policy or people have decided and, if they approved, until access has been given. What it returns is the server's
   * word, as in `get`.
   *
   * @throws CountersignError `TIMED_OUT` after `timeoutMs`; the request itself continues
   */
  async waitForDecision(requestId: string, { timeoutMs }: { timeoutMs: number }): Promise<ClaimedView> {
    const deadlineMs = Date.now() + timeoutMs;
    for (let pauseMs = 20; ; pauseMs = Math.min(pauseMs * 1.5, 1_000)) {
      const view = await this.#getWhenRead(requestId);
      if (view !== undefined && isDecided(view)) return view;
      if (Date.now() + pauseMs > deadlineMs)
        throw new CountersignError(
          'TIMED_OUT',
          `request ${requestId} is ${view?.status ?? 'submitted'}; it continues`,
        );
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }

  /** Carries a statement and returns the answer to it. A refusal is an answer, not an error. */
  async sendStatement(requestId: string, statement: SignedEnvelope): Promise<StatementAnswerView> {
    const envelope = check(signedEnvelopeSchema, statement, 'INVALID_STATEMENT', 'statement');
    const answer = await this.#guard(() =>
      this.#client.withDeadline(Date.now() + ANSWER_WITHIN_MS, () =>
        this.#handle(requestId).executeUpdate(SUBMIT_STATEMENT_UPDATE, { args: [envelope] }),
      ),
    );
    return check(statementAnswerSchema, answer, 'NOT_ANSWERING', 'answer of the worker');
  }

  /** Leaves a statement with the server until a worker can judge it. The answer appears in the request's events. */
  async leaveStatement(requestId: string, verb: Verb, statement: SignedEnvelope): Promise<void> {
    const envelope = check(signedEnvelopeSchema, statement, 'INVALID_STATEMENT', 'statement');
    await this.#guard(() => this.#handle(requestId).signal(verb, envelope));
  }

  /** Carries a policy enforcement point's signed report of what it denied. A refusal is an answer, not an error. */
  async reportDenial(report: SignedEnvelope): Promise<DenialReportAnswer> {
    const envelope = check(signedEnvelopeSchema, report, 'INVALID_STATEMENT', 'denial report');
    const answer = await this.#guard(() =>
      this.#client.withDeadline(Date.now() + ANSWER_WITHIN_MS, () =>
        this.#client.workflow.execute(DENIAL_WORKFLOW_TYPE, {
          // The same report has the same workflow id, so sending it twice has the effect of sending it once.
          workflowId: `denial-report/${digestOfText(envelopeText(envelope))}`,
          taskQueue: this.#taskQueue,
          args: [envelope],
          workflowIdConflictPolicy: 'USE_EXISTING',
          workflowExecutionTimeout: '1h',
        }),
      ),
    );
    return check(denialReportAnswerSchema, answer, 'NOT_ANSWERING', 'answer of the worker');
  }

  /**
   * Lists requests by status or by who is awaited, newest first. The rows are the server's word: anyone who can write to the
   * namespace can make some up. `VerifiedRequests` derives what it shows.
   */
  async list(filter: RequestFilter = {}): Promise<readonly RequestRow[]> {
    const { limit = 100, ...rest } = filter;
    check(requestFilterSchema, filter, 'INVALID_REQUEST', 'filter');
    const rows: RequestRow[] = [];
    for await (const row of this.rows(rest)) {
      if (await this.#isAwaited(filter.awaiting, row)) rows.push(row);
      if (rows.length >= limit) break;
    }
    return rows;
  }

  /**
   * Yields all requests that match, newest first, one page of the server's list at a time. Rows that await more people than fit
   * are yielded whoever they await. The rows are the server's word, as in `list`.
   */
  async *rows(filter: Omit<RequestFilter, 'limit'> = {}): AsyncGenerator<RequestRow> {
    const query = visibilityQuery(check(requestFilterSchema, filter, 'INVALID_REQUEST', 'filter'));
    for await (const execution of this.#executions(query, ROWS_AT_ONCE)) {
      const row = rowOf(execution);
      if (row !== undefined) yield row;
    }
  }

  async #isAwaited(who: string | undefined, { id, awaiting }: RequestRow): Promise<boolean> {
    if (who === undefined || awaiting.includes(who) || !awaiting.includes(AWAITING_MORE)) return true;
    // What cannot say whom it awaits is listed, so that nobody misses it.
    return this.get(id).then(
      (view) => view.awaiting.includes(who),
      () => true,
    );
  }

  /** Yields the ids of all requests that started in a span of time, one page of the server's list at a time. */
  async *requestIds(span: RequestSpan = {}): AsyncGenerator<string> {
    for await (const { workflowId } of this.#executions(spanQuery(span))) {
      const id = requestIdOf(workflowId);
      if (id !== undefined) yield id;
    }
  }

  async *#executions(query: string, pageSize?: number): AsyncGenerator<WorkflowExecutionInfo> {
    const options = { query, ...(pageSize !== undefined && { pageSize }) };
    const pages = this.#client.workflow.list(options)[Symbol.asyncIterator]();
    for (;;) {
      const next = await this.#guard(() => pages.next());
      if (next.done === true) return;
      yield next.value;
    }
  }

  #handle(requestId: string) {
    const id = check(requestIdSchema, requestId, 'INVALID_REQUEST', 'request id');
    return this.#client.workflow.getHandle(workflowIdOf(id));
  }

  /** Runs a call, and names this client's server if it fails for want of one. */
  #guard<T>(call: () => Promise<T>): Promise<T> {
    return guard(call, { address: this.#address, namespace: this.#client.options.namespace });
  }

  #query(requestId: string, query: string): Promise<unknown> {
    return this.#guard(() =>
      this.#client.withDeadline(Date.now() + ANSWER_WITHIN_MS, () => this.#handle(requestId).query(query)),
    );
  }

  async #getWhenRead(requestId: string): Promise<ClaimedView | undefined> {
    const snapshot = await this.#query(requestId, REQUEST_QUERY);
    if (snapshot === null) return undefined;
    const view = check(requestViewSchema, snapshot, 'NOT_ANSWERING', 'answer of the worker');
    return { ...view, basis: 'server' };
  }
}

/** @throws CountersignError `BAD_SETTINGS` if encryption is configured but impossible: plain text would be worse */
function codecsOf({ codecKeys = process.env['COUNTERSIGN_CODEC_KEYS'] }: ClientOptions) {
  try {
    return configuredCodecs(codecKeys);
  } catch (error) {
    throw new CountersignError('BAD_SETTINGS', error instanceof Error ? error.message : 'no codec');
  }
}

const tracedBy = ({ tracing }: ClientOptions) =>
  tracing === undefined || tracing === UNTRACED
    ? {}
    : { interceptors: { workflow: [tracedClient(tracing)] } };
