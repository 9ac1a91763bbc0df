import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime, type Worker } from '@temporalio/worker';
import { CountersignClient, type RequestView } from '../../src/client';
import type { Connector } from '../../src/connectors/contract';
import { ExecutionTokenConnector } from '../../src/connectors/execution-token/connector';
import { PostgresqlConnector } from '../../src/connectors/postgresql/connector';
import { requestDigest } from '../../src/domain/digest';
import type { AccessRequest, SignedEnvelope } from '../../src/domain/request';
import type { Verb } from '../../src/domain/statement';
import { createBundleSource, FileTicketSource } from '../../src/policy';
import { readKeyFile, type SigningKey } from '../../src/signing/keys';
import { type StatementDraft, signStatement, signSubmission } from '../../src/signing/sign';
import { exampleKeyFile, provideExampleBundle } from '../../src/stack/example-bundle';
import { createWorker } from '../../src/worker';
import { startPostgres, type TestPostgres, WAREHOUSE } from './postgres';
import { startTestServer, type TestServer } from './temporal';

const PAYLOAD_CONVERTER = require.resolve('../../src/workflows/payload-converter');
const SETTLE_WITHIN_MS = 30_000;
const UNSETTLED = ['submitted', 'assessing', 'approved', 'provisioning'];

Runtime.install({
  logger: new DefaultLogger('ERROR'),
  telemetryOptions: { logging: { forward: {}, filter: 'ERROR' } },
});

/** Everything real: a Temporal server, a PostgreSQL target, a worker, the example bundle, and a key for everyone in it. */
export class Stage {
  private constructor(
    readonly server: TestServer,
    readonly postgres: TestPostgres,
    readonly stateDir: string,
    readonly bundleDir: string,
    readonly temporal: Client,
    readonly client: CountersignClient,
    readonly connector: Connector,
    readonly changes: Connector,
    private readonly native: NativeConnection,
  ) {}

  #worker: Worker | undefined;
  #running: Promise<void> | undefined;

  static async open(): Promise<Stage> {
    const [server, postgres] = await Promise.all([startTestServer(), startPostgres()]);
    await postgres.query(WAREHOUSE);
    const stateDir = mkdtempSync(path.join(tmpdir(), 'countersign-stage-'));
    const bundleDir = await provideExampleBundle(stateDir);
    writeFileSync(path.join(stateDir, 'tickets.yaml'), '[OPS-1, INC-1]\n');
    const connection = await Connection.connect({ address: server.address });
    const temporal = new Client({ connection, dataConverter: { payloadConverterPath: PAYLOAD_CONVERTER } });
    const native = await NativeConnection.connect({ address: server.address });
    const connector = new PostgresqlConnector({ name: 'warehouse', url: postgres.url });
    const changes = new ExecutionTokenConnector({ name: 'changes', url: postgres.url });
    const client = new CountersignClient(temporal);
    const stage = new Stage(
      ...([server, postgres, stateDir, bundleDir, temporal, client] as const),
      ...([connector, changes, native] as const),
    );
    await stage.startWorker();
    return stage;
  }

  async startWorker(): Promise<void> {
    const tickets = new FileTicketSource(path.join(this.stateDir, 'tickets.yaml'));
    const logger = { info: () => undefined, error: () => undefined };
    this.#worker = await createWorker({
      connection: this.native,
      namespace: 'default',
      taskQueue: 'countersign',
      bundles: await createBundleSource(this.bundleDir, { tickets, logger }),
      connectors: new Map([
        ['warehouse', this.connector],
        ['changes', this.changes],
      ]),
      maxCachedWorkflows: 500,
    });
    this.#running = this.#worker.run();
  }

  async stopWorker(): Promise<void> {
    this.#worker?.shutdown();
    await this.#running;
    this.#worker = undefined;
  }

  async close(): Promise<void> {
    if (this.#worker !== undefined) await this.stopWorker();
    await this.connector.close();
    await this.changes.close();
    await this.native.close();
    await this.temporal.connection.close();
    await this.server.stop();
    this.postgres.stop();
    rmSync(this.stateDir, { recursive: true, force: true });
  }

  /** A production write that a pipeline asks for, unless told otherwise. */
  request(
    about: Partial<AccessRequest> & { entitlement?: AccessRequest['entitlement'] } = {},
  ): AccessRequest {
    const requester = about.requester ?? 'ci/payments';
    return {
      id: randomUUID(),
      kind: 'access',
      requester,
      beneficiary: requester,
      entitlement: entitlement('payments', 'write'),
      durationMs: 60_000,
      emergency: false,
      reason: 'backfill of a payment',
      onBehalfOf: [],
      submittedAtMs: Date.now(),
      ...about,
    };
  }

  async submit(about: Parameters<Stage['request']>[0] = {}): Promise<AccessRequest> {
    const request = this.request(about);
    await this.client.submit(await signSubmission(request, await this.key(request.requester)));
    return request;
  }

  /** Submits, and waits until only people or time can move the request. */
  async submitted(about: Parameters<Stage['request']>[0] = {}): Promise<AccessRequest> {
    const request = await this.submit(about);
    await this.settled(request);
    return request;
  }

  settled(request: Pick<AccessRequest, 'id'>): Promise<RequestView> {
    return this.until(request, (view) => !UNSETTLED.includes(view.status));
  }

  over(request: Pick<AccessRequest, 'id'>): Promise<RequestView> {
    return this.until(request, (view) => ['closed', 'expired', 'revoked'].includes(view.status));
  }

  async until(
    { id }: Pick<AccessRequest, 'id'>,
    reached: (view: RequestView) => boolean,
  ): Promise<RequestView> {
    const deadlineMs = Date.now() + SETTLE_WITHIN_MS;
    for (;;) {
      const view = await this.client.get(id).catch(() => undefined);
      if (view !== undefined && reached(view)) return view;
      if (Date.now() > deadlineMs) throw new Error(`request ${id} is ${view?.status ?? 'unknown'}`);
      await pause(50);
    }
  }

  async sign(
    signer: string,
    verb: Verb,
    request: AccessRequest,
    about: Partial<StatementDraft> = {},
    times: { readonly nowMs?: number; readonly lifeMs?: number } = {},
  ): Promise<SignedEnvelope> {
    const { revision } = await this.client.get(request.id);
    const draft = { verb, request: request.id, digest: requestDigest(request), revision, ...about };
    const { nowMs = Date.now(), lifeMs = 3_600_000 } = times;
    return signStatement(draft, signer, await this.key(signer), { nowMs, lifeMs });
  }

  /** Carries a statement. Yields `accepted`, or the code of the refusal. */
  async carry({ id }: AccessRequest, statement: SignedEnvelope): Promise<string> {
    const verdict = await this.client.sendStatement(id, statement);
    return verdict.accepted ? 'accepted' : (verdict.refusal?.code ?? 'refused');
  }

  async say(...about: Parameters<Stage['sign']>): Promise<string> {
    return this.carry(about[2], await this.sign(...about));
  }

  /** Codes of the refusals that are on record. */
  async recorded({ id }: AccessRequest): Promise<readonly string[]> {
    const events = await this.client.events(id);
    return events.flatMap((event) => (event.type === 'statement_refused' ? [event.refusal.code] : []));
  }

  async holds(account: string, role: string): Promise<boolean> {
    const [row] = await this.postgres.query("SELECT pg_has_role($1, $2, 'MEMBER') AS held", [account, role]);
    return row?.['held'] === true;
  }

  /** Changes a file of the bundle, and waits until the worker has seen it. */
  async changeBundle(file: string, change: (text: string) => string): Promise<() => Promise<void>> {
    const name = path.join(this.bundleDir, file);
    const before = readFileSync(name, 'utf8');
    const after = change(before);
    if (after === before) throw new Error(`nothing was changed in ${file}`);
    writeFileSync(name, after);
    await pause(1_200);
    return async () => {
      writeFileSync(name, before);
      await pause(1_200);
    };
  }

  async key(principal: string): Promise<SigningKey> {
    const read = await readKeyFile(exampleKeyFile(this.stateDir, principal));
    if (!read.ok) throw new Error(read.message);
    return read.key;
  }
}

export const entitlement = (resource: string, action: string, connector = 'warehouse') => ({
  connector,
  resource,
  action,
});

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
