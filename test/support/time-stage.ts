import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Client } from '@temporalio/client';
import { temporal } from '@temporalio/proto';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { DefaultLogger, Runtime, type Worker } from '@temporalio/worker';
import { CountersignClient, type RequestView } from '../../src/client';
import { PostgresqlConnector } from '../../src/connectors/postgresql/connector';
import { SILENT_LOGGER } from '../../src/contracts/logger';
import { SEARCH_ATTRIBUTES } from '../../src/contracts/names';
import { requestDigest } from '../../src/domain/digest';
import type { DomainEvent } from '../../src/domain/event';
import type { AccessRequest } from '../../src/domain/request';
import type { Verb } from '../../src/domain/statement';
import { createBundleSource, FileTicketSource } from '../../src/policy';
import { readKeyFile, type SigningKey } from '../../src/signing/keys';
import { type StatementDraft, signStatement, signSubmission } from '../../src/signing/sign';
import { exampleKeyFile, provideExampleBundle } from '../../src/stack/example-bundle';
import { createWorker } from '../../src/worker';
import { stageFor } from './harness-cast';
import { startPostgres, type TestPostgres, WAREHOUSE } from './postgres';
import { createTimeSkippingEnvironment } from './time-skipping';

Runtime.install({
  logger: new DefaultLogger('ERROR'),
  telemetryOptions: { logging: { forward: {}, filter: 'ERROR' } },
});

const INDEXED_VALUE_TYPES = temporal.api.enums.v1.IndexedValueType;
const PAYLOAD_CONVERTER = require.resolve('../../src/workflows/payload-converter');

/** Countersign on a time-skipping server: the real worker, bundle, keys and PostgreSQL, and weeks pass in seconds. */
export class TimeStage {
  #aheadMs = 0;
  #running: Promise<void> | undefined;
  #worker: Worker | undefined;

  private constructor(
    private readonly environment: TestWorkflowEnvironment,
    private readonly postgres: TestPostgres,
    private readonly stateDir: string,
    readonly client: CountersignClient,
  ) {}

  static async open(): Promise<TimeStage> {
    const [environment, postgres] = await Promise.all([createTimeSkippingEnvironment(), startPostgres()]);
    await postgres.query(WAREHOUSE);
    await environment.connection.operatorService.addSearchAttributes({
      namespace: 'default',
      searchAttributes: Object.fromEntries(
        Object.entries(SEARCH_ATTRIBUTES).map(([name, type]) => [
          name,
          INDEXED_VALUE_TYPES[`INDEXED_VALUE_TYPE_${type}`],
        ]),
      ),
    });
    const stateDir = mkdtempSync(path.join(tmpdir(), 'countersign-time-'));
    const client = new Client({
      connection: environment.connection,
      dataConverter: { payloadConverterPath: PAYLOAD_CONVERTER },
    });
    const stage = new TimeStage(environment, postgres, stateDir, new CountersignClient(client));
    await stage.#startWorker();
    return stage;
  }

  async #startWorker(): Promise<void> {
    const ticketsFile = path.join(this.stateDir, 'tickets.yaml');
    writeFileSync(ticketsFile, '[OPS-1, INC-1]\n');
    const nowMs = () => this.nowMs();
    const logger = SILENT_LOGGER;
    const bundles = await createBundleSource(await provideExampleBundle(this.stateDir), {
      tickets: new FileTicketSource(ticketsFile),
      logger,
    });
    this.#connector = new PostgresqlConnector({ url: this.postgres.url, nowMs });
    this.#worker = await createWorker({
      connection: this.environment.nativeConnection,
      namespace: 'default',
      taskQueue: 'countersign',
      bundles,
      connectors: new Map([['warehouse', this.#connector]]),
      maxCachedWorkflows: 50,
      nowMs,
    });
    this.#running = this.#worker.run();
  }

  #connector: PostgresqlConnector | undefined;

  async close(): Promise<void> {
    this.#worker?.shutdown();
    await this.#running;
    await this.#connector?.close();
    await this.environment.teardown();
    this.postgres.stop();
    rmSync(this.stateDir, { recursive: true, force: true });
  }

  /** The server's time. */
  nowMs(): number {
    return Date.now() + this.#aheadMs;
  }

  /** Moves time forward; everything that is due in between happens. */
  async pass(durationMs: number): Promise<void> {
    await this.environment.sleep(durationMs);
    this.#aheadMs = (await this.environment.currentTimeMs()) - Date.now();
  }

  /** Submits a request and waits until only people or time can move it. */
  async submitted(about: Partial<AccessRequest> = {}): Promise<AccessRequest> {
    const requester = about.requester ?? 'ci/payments';
    const request: AccessRequest = {
      id: randomUUID(),
      kind: 'access',
      requester,
      beneficiary: requester,
      entitlement: { connector: 'warehouse', resource: 'payments', action: 'write' },
      durationMs: 3_600_000,
      emergency: false,
      reason: 'backfill of a payment',
      onBehalfOf: [],
      submittedAtMs: this.nowMs(),
      ...about,
    };
    await this.client.submit(await signSubmission(request, await this.#key(requester)));
    await this.until(request, ({ status }) => !['submitted', 'assessing', 'provisioning'].includes(status));
    return request;
  }

  /** Signs a statement by the server's clock and sends it. Returns `accepted` or the refusal's code. */
  async say(
    signer: string,
    verb: Verb,
    request: AccessRequest,
    about: Partial<StatementDraft> = {},
    lifeMs = 3_600_000,
  ): Promise<string> {
    const view = await this.client.get(request.id);
    const { revision } = view;
    const stage = verb === 'approve' ? { stage: stageFor(view) } : {};
    const draft = { verb, request: request.id, digest: requestDigest(request), revision, ...stage, ...about };
    const statement = await signStatement(draft, signer, await this.#key(signer), {
      nowMs: this.nowMs(),
      lifeMs,
    });
    const answer = await this.client.sendStatement(request.id, statement);
    return answer.accepted ? 'accepted' : (answer.refusal?.code ?? 'refused');
  }

  async until({ id }: AccessRequest, reached: (view: RequestView) => boolean): Promise<RequestView> {
    const deadlineMs = Date.now() + 30_000;
    for (;;) {
      const view = await this.client.get(id).catch(() => undefined);
      if (view !== undefined && reached(view)) return view;
      if (Date.now() > deadlineMs) throw new Error(`request ${id} is ${view?.status ?? 'unknown'}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** Returns the events of a request, each with its time after submission in rounded minutes. */
  async course({ id, submittedAtMs }: AccessRequest): Promise<readonly string[]> {
    const events: readonly DomainEvent[] = await this.client.events(id);
    return events.map(({ type, atMs }) => `${type} ${Math.round((atMs - submittedAtMs) / 60_000)}m`);
  }

  async holds(account: string, role: string): Promise<boolean> {
    const [row] = await this.postgres.query("SELECT pg_has_role($1, $2, 'MEMBER') AS held", [account, role]);
    return row?.['held'] === true;
  }

  async #key(principal: string): Promise<SigningKey> {
    return readKeyFile(exampleKeyFile(this.stateDir, principal));
  }
}
