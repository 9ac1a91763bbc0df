import { Client, Connection, type WorkflowExecutionInfo } from '@temporalio/client';
import type { History } from '@temporalio/common/lib/proto-utils';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { guard } from './client-errors';
import { configuredCodecs } from './codec/configured';
import { openHistory } from './codec/open-history';
import { check, checkSubmission } from './contracts/check';
import { CountersignError } from './contracts/error';
import {
  type RequestFilter,
  type RequestSpan,
  requestFilterSchema,
  spanQuery,
  visibilityQuery,
} from './contracts/listing';
import {
  DENIAL_WORKFLOW_TYPE,
  EVENTS_QUERY,
  REQUEST_QUERY,
  requestIdOf,
  SUBMIT_STATEMENT_UPDATE,
  TASK_QUEUE,
  WORKFLOW_TYPE,
  workflowIdOf,
} from './contracts/names';
import { requestId as requestIdSchema, signedEnvelopeSchema, submissionSchema } from './contracts/request';
import {
  type DenialVerdict,
  denialVerdictSchema,
  type RequestRow,
  type RequestView,
  requestViewSchema,
  type StatementVerdictView,
  statementVerdictSchema,
} from './contracts/snapshot';
import { digestOfText } from './domain/digest';
import type { DomainEvent } from './domain/event';
import type { SignedEnvelope, Submission } from './domain/request';
import { isPendingStatus } from './domain/state';
import type { Verb } from './domain/statement';
import { tracedClient } from './telemetry/client-interceptor';
import { type Tracing, UNTRACED } from './telemetry/tracing';
import { payloadConverter } from './workflows/payload-converter';

export { CountersignError } from './contracts/error';
export type { RequestFilter } from './contracts/listing';
export type { DenialVerdict, RequestRow, RequestView, StatementVerdictView } from './contracts/snapshot';
export type { DomainEvent } from './domain/event';
export type { AccessRequest, SignedEnvelope, Submission } from './domain/request';
export { generateKey, importSigningKey, readKeyFile, type SigningKey, writeKeyFile } from './signing/keys';
export {
  type DenialDraft,
  type StatementDraft,
  signDenialReport,
  signStatement,
  signSubmission,
} from './signing/sign';

const ANSWER_WITHIN_MS = 10_000;
const PAYLOAD_CONVERTER = require.resolve('./workflows/payload-converter');

export interface ClientOptions {
  readonly taskQueue?: string;
  /** Address of the Temporal server, in place of the one that the environment names. */
  readonly address?: string;
  /** File of the codec's keys, where what the server stores is encrypted. Default: `COUNTERSIGN_CODEC_KEYS`. */
  readonly codecKeys?: string;
  /** Where spans go, and what hands a trace on to the request; nothing without it. */
  readonly tracing?: Tracing;
}

/**
 * For services that ask for access and carry statements. It decides nothing and holds no authority: what it sends is
 * signed by whom it concerns. All methods throw `CountersignError` with a stable `code`, and nothing else.
 */
export class CountersignClient {
  readonly #client: Client;
  readonly #taskQueue: string;

  constructor(client: Client, { taskQueue = TASK_QUEUE }: ClientOptions = {}) {
    this.#client = client;
    this.#taskQueue = taskQueue;
  }

  /** Connects as Temporal's own environment variables and profile file say. Close it with `close`. */
  static async connect(options: ClientOptions = {}): Promise<CountersignClient> {
    const { connectionOptions, namespace } = loadClientConnectConfig();
    const payloadCodecs = codecsOf(options);
    return guard(async () => {
      const connection = await Connection.connect({
        connectTimeout: '5s',
        ...connectionOptions,
        ...(options.address && { address: options.address }),
      });
      const dataConverter = { payloadConverterPath: PAYLOAD_CONVERTER, payloadCodecs };
      return new CountersignClient(
        new Client({ connection, ...(namespace && { namespace }), dataConverter, ...tracedBy(options) }),
        options,
      );
    });
  }

  /** Whether the server answers. */
  async ping(): Promise<void> {
    await guard(() =>
      this.#client.withDeadline(Date.now() + 2_000, () => this.#client.workflowService.getSystemInfo({})),
    );
  }

  async close(): Promise<void> {
    await this.#client.connection.close();
  }

  /**
   * Starts the request. One id is one request for ever: the same id is refused with `ALREADY_SUBMITTED`, also after the
   * first has ended.
   */
  async submit(submission: Submission): Promise<string> {
    const { request, proof } = checkSubmission(submission);
    await guard(() =>
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

  /** Where a request stands now. */
  async get(requestId: string): Promise<RequestView> {
    const snapshot = await this.#query(requestId, REQUEST_QUERY);
    if (snapshot === null)
      throw new CountersignError('NOT_ANSWERING', `request ${requestId} is still being read`);
    return check(requestViewSchema, snapshot, 'NOT_ANSWERING', 'answer of the worker');
  }

  /** What was submitted, read from the first event of the history; it needs no worker. */
  async submissionOf(requestId: string): Promise<Submission> {
    const history = await this.history(requestId);
    const [payload] = history.events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads ?? [];
    const input: unknown = payload && payloadConverter.fromPayload(payload);
    return check(submissionSchema, input, 'INVALID_REQUEST', 'submission in the history');
  }

  /** The Temporal history of a request in clear, for replay and evidence. */
  history(requestId: string): Promise<History> {
    const { payloadCodecs } = this.#client.options.loadedDataConverter;
    return guard(async () => openHistory(await this.#handle(requestId).fetchHistory(), payloadCodecs));
  }

  /** What has happened to a request, oldest first. */
  async events(requestId: string): Promise<readonly DomainEvent[]> {
    return (await this.#query(requestId, EVENTS_QUERY)) as readonly DomainEvent[];
  }

  /** Waits until policy or people have decided and, where they said yes, until access is there. */
  async waitForDecision(requestId: string, { timeoutMs }: { timeoutMs: number }): Promise<RequestView> {
    const deadlineMs = Date.now() + timeoutMs;
    for (let pauseMs = 20; ; pauseMs = Math.min(pauseMs * 1.5, 1_000)) {
      const view = await this.#getWhenRead(requestId);
      if (view !== undefined && !isPendingStatus(view.status)) return view;
      if (Date.now() + pauseMs > deadlineMs)
        throw new CountersignError(
          'TIMED_OUT',
          `request ${requestId} is ${view?.status ?? 'submitted'}; it goes on`,
        );
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }

  /** Carries a statement and returns the verdict on it. A refusal is a verdict, not an error. */
  async sendStatement(requestId: string, statement: SignedEnvelope): Promise<StatementVerdictView> {
    const envelope = check(signedEnvelopeSchema, statement, 'INVALID_STATEMENT', 'statement');
    const verdict = await guard(() =>
      this.#client.withDeadline(Date.now() + ANSWER_WITHIN_MS, () =>
        this.#handle(requestId).executeUpdate(SUBMIT_STATEMENT_UPDATE, { args: [envelope] }),
      ),
    );
    return check(statementVerdictSchema, verdict, 'NOT_ANSWERING', 'answer of the worker');
  }

  /** Leaves a statement with the server, to be judged when a worker is there. The verdict is in the request's events. */
  async leaveStatement(requestId: string, verb: Verb, statement: SignedEnvelope): Promise<void> {
    const envelope = check(signedEnvelopeSchema, statement, 'INVALID_STATEMENT', 'statement');
    await guard(() => this.#handle(requestId).signal(verb, envelope));
  }

  /** Carries a policy enforcement point's signed report of what it denied. A refusal is an answer, not an error. */
  async reportDenial(report: SignedEnvelope): Promise<DenialVerdict> {
    const envelope = check(signedEnvelopeSchema, report, 'INVALID_STATEMENT', 'denial report');
    const verdict = await guard(() =>
      this.#client.withDeadline(Date.now() + ANSWER_WITHIN_MS, () =>
        this.#client.workflow.execute(DENIAL_WORKFLOW_TYPE, {
          // The same report is one workflow, so that carrying it twice does no more than carrying it once.
          workflowId: `denial-report/${digestOfText(envelope.jws)}`,
          taskQueue: this.#taskQueue,
          args: [envelope],
          workflowIdConflictPolicy: 'USE_EXISTING',
          workflowExecutionTimeout: '1h',
        }),
      ),
    );
    return check(denialVerdictSchema, verdict, 'NOT_ANSWERING', 'answer of the worker');
  }

  /** Requests by status or by who is awaited, newest first. */
  async list(filter: RequestFilter = {}): Promise<readonly RequestRow[]> {
    const checked = check(requestFilterSchema, filter, 'INVALID_REQUEST', 'filter');
    return guard(async () => {
      const rows: RequestRow[] = [];
      for await (const execution of this.#client.workflow.list({ query: visibilityQuery(checked) })) {
        const row = rowOf(execution);
        if (row !== undefined) rows.push(row);
        if (rows.length >= checked.limit) break;
      }
      return rows;
    });
  }

  /** Ids of all requests that were started in a span, one page of the server's list at a time. */
  async *requestIds(span: RequestSpan = {}): AsyncGenerator<string> {
    const pages = this.#client.workflow.list({ query: spanQuery(span) })[Symbol.asyncIterator]();
    for (;;) {
      const next = await guard(() => pages.next());
      if (next.done === true) return;
      const id = requestIdOf(next.value.workflowId);
      if (id !== undefined) yield id;
    }
  }

  #handle(requestId: string) {
    const id = check(requestIdSchema, requestId, 'INVALID_REQUEST', 'request id');
    return this.#client.workflow.getHandle(workflowIdOf(id));
  }

  #query(requestId: string, query: string): Promise<unknown> {
    return guard(() =>
      this.#client.withDeadline(Date.now() + ANSWER_WITHIN_MS, () => this.#handle(requestId).query(query)),
    );
  }

  async #getWhenRead(requestId: string): Promise<RequestView | undefined> {
    const snapshot = await this.#query(requestId, REQUEST_QUERY);
    return snapshot === null
      ? undefined
      : check(requestViewSchema, snapshot, 'NOT_ANSWERING', 'answer of the worker');
  }
}

/** Encryption that is asked for and cannot be had is an error: to go on in clear would be worse. */
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

function rowOf({
  workflowId,
  typedSearchAttributes,
  startTime,
}: WorkflowExecutionInfo): RequestRow | undefined {
  const id = requestIdOf(workflowId);
  if (id === undefined) return undefined;
  const keyword = (name: string) => typedSearchAttributes.get({ name, type: 'KEYWORD' }) ?? '';
  const deadline = typedSearchAttributes.get({ name: 'CountersignDeadline', type: 'DATETIME' });
  const expiresAt = typedSearchAttributes.get({ name: 'CountersignExpiresAt', type: 'DATETIME' });
  return {
    id,
    startedAt: startTime,
    status: keyword('CountersignStatus') || 'submitted',
    requester: keyword('CountersignRequester'),
    beneficiary: keyword('CountersignBeneficiary'),
    entitlement: keyword('CountersignEntitlement'),
    awaiting: typedSearchAttributes.get({ name: 'CountersignAwaiting', type: 'KEYWORD_LIST' }) ?? [],
    ...(deadline && { deadline }),
    ...(expiresAt && { expiresAt }),
    emergency: typedSearchAttributes.get({ name: 'CountersignEmergency', type: 'BOOL' }) ?? false,
  };
}
