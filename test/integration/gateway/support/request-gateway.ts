import { randomUUID } from 'node:crypto';
import { gatewayConfigSchema } from '../../../../src/gateway/config';
import { createGateway, type Gateway } from '../../../../src/gateway/gateway';
import { GatewayKeys } from '../../../../src/gateway/keys';
import { createRoutes } from '../../../../src/gateway/routes';
import { type Listening, listen } from '../../../../src/gateway/server';
import { generateKey, type SigningKey } from '../../../../src/signing/keys';
import { signStatement } from '../../../../src/signing/sign';
import { freePort } from '../../../../src/stack/free-port';
import { Harness } from '../../../support/harness';
import { stageFor } from '../../../support/harness-cast';
import { denialOf, JUSTIFIED } from './evaluations';
import { type Answer, type Call, Web } from './http';
import { selfSigned } from './tokens';

export { actionOf, CONTAINED, denialOf, JUSTIFIED, READ, rotation, WRITE } from './evaluations';

type Json = Record<string, unknown>;

/** Everything real, in one process: Temporal, PostgreSQL, a worker, and a gateway whose clock a test may move. */
export class RequestGateway {
  readonly clock = { offsetMs: 0 };
  readonly logged: { about: object; message: string }[] = [];

  private constructor(
    readonly harness: Harness,
    readonly url: string,
    readonly web: Web,
    private readonly decisionKey: string,
    private readonly port: number,
    private readonly enrols: boolean,
    private readonly config: Json,
  ) {}

  #gateway: Gateway | undefined;
  #listening: Listening | undefined;

  static async start(
    config: (url: string) => Json = () => ({}),
    {
      enrols = false,
      prepare = () => Promise.resolve(),
    }: {
      readonly enrols?: boolean;
      /** Changes the bundle before the gateway starts. */
      readonly prepare?: (harness: Harness) => Promise<void>;
    } = {},
  ): Promise<RequestGateway> {
    const harness = await Harness.start({ remembers: 'grants', enrols });
    await prepare(harness);
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const decisionKey = (await generateKey()).privateJwkText;
    const limits = Object.fromEntries(
      ['evaluation', 'submission', 'reading', 'redemption', 'unauthenticated'].map((name) => [
        name,
        { perSecond: 100_000, burst: 100_000 },
      ]),
    );
    const one = new RequestGateway(harness, url, new Web(url), decisionKey, port, enrols, {
      limits,
      ...config(url),
    });
    await one.startGateway();
    return one;
  }

  get gateway(): Gateway {
    if (this.#gateway === undefined) throw new Error('the gateway is stopped');
    return this.#gateway;
  }

  async startGateway(): Promise<void> {
    const note = (about: object, message: string) => void this.logged.push({ about, message });
    const bundles = await this.harness.bundles({ info: note, warn: note, error: note });
    this.#gateway = await createGateway({
      config: gatewayConfigSchema.parse({ publicUrl: this.url, ...this.config }),
      publicUrl: this.url,
      client: this.harness.client,
      bundles,
      keys: await GatewayKeys.of(await this.harness.cast.key('service/gateway'), this.decisionKey),
      tokenUsesUrls: new Map([['changes', this.harness.postgres.url]]),
      ledger: this.harness.workerLedger,
      grantsOf: (id) => this.harness.ledger.grantsOf(id),
      callbackStoreUrl: this.harness.postgres.url,
      ...(this.enrols && { register: this.harness.register }),
      log: { info: note, warn: note, error: note },
      nowMs: () => Date.now() + this.clock.offsetMs,
    });
    const app = createRoutes(this.#gateway);
    const fetch: typeof app.fetch = async (...call) => {
      this.#underWay += 1;
      try {
        return await app.fetch(...call);
      } finally {
        this.#underWay -= 1;
      }
    };
    this.#listening = await listen({ fetch }, { port: this.port, host: '127.0.0.1' });
  }

  #underWay = 0;

  /** Calls that have come and have not been answered. */
  underWay(): number {
    return this.#underWay;
  }

  async stopGateway(): Promise<void> {
    await this.#listening?.stop();
    await this.#gateway?.close();
    this.#gateway = undefined;
  }

  async stop(): Promise<void> {
    await this.stopGateway();
    await this.harness.stop();
  }

  key(principal: string): Promise<SigningKey> {
    return this.harness.cast.key(principal);
  }

  async token(principal: string, changes: Json = {}): Promise<string> {
    const iat = Math.floor((Date.now() + this.clock.offsetMs) / 1_000);
    return selfSigned(principal, await this.key(principal), this.url, { iat, exp: iat + 300, ...changes });
  }

  async as(principal: string, address: string, call: Call = {}): Promise<Answer> {
    const authorization = `Bearer ${await this.token(principal)}`;
    return this.web.call(address, { ...call, headers: { authorization, ...call.headers } });
  }

  /** A submission that answers the denial of an evaluation. */
  async submission(principal: string, evaluation: Json, more: Json = {}): Promise<Json> {
    const { json } = await this.as(principal, '/access/v1/evaluation', { body: evaluation });
    if (json.context?.access_request === undefined)
      throw new Error(`not requestable: ${JSON.stringify(json)}`);
    const { context = {}, ...said } = more;
    return {
      ...evaluation,
      context: { ...((evaluation['context'] as Json | undefined) ?? {}), ...JUSTIFIED, ...(context as Json) },
      denial: denialOf(json),
      ...said,
    };
  }

  submit(principal: string, body: unknown, key: string = randomUUID()): Promise<Answer> {
    return this.as(principal, '/access/v1/requests', { body, headers: { 'idempotency-key': key } });
  }

  async ask(principal: string, evaluation: Json, more: Json = {}): Promise<Answer> {
    return this.submit(principal, await this.submission(principal, evaluation, more));
  }

  read(principal: string, taskId: string, wait = 0): Promise<Answer> {
    return this.as(principal, `/access/v1/requests/${taskId}`, { headers: { prefer: `wait=${wait}` } });
  }

  /** Signs a statement about a request, as its reader sees it, and posts it. */
  async say(
    person: string,
    verb: 'approve' | 'deny' | 'cancel' | 'revoke',
    requestId: string,
  ): Promise<Answer> {
    const body = await this.statement(person, verb, requestId);
    return this.as(person, `/v1/requests/${requestId}/statements`, { body });
  }

  async statement(person: string, verb: 'approve' | 'deny' | 'cancel' | 'revoke', requestId: string) {
    // A request that is still being assessed has no path yet, and what is signed names its revision.
    const view = await this.harness.cast.settled({ id: requestId });
    const { digest, revision } = view;
    return signStatement(
      {
        ...(verb === 'approve' && { stage: stageFor(view) }),
        ...(verb === 'cancel' && { reasonCode: 'duplicate' }),
        ...(verb === 'deny' && { reasonCode: 'not-now' }),
        ...{ verb, request: requestId, digest: digest ?? '', revision },
      },
      person,
      await this.key(person),
      { nowMs: Date.now(), lifeMs: 3_600_000 },
    );
  }
}

/** Which of the profile's problems an answer is. */
export const problemOf = ({ json }: Answer): string =>
  String(json.type).replace('urn:openid:authzen:access-request:error:', '');
