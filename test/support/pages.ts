import { versionsWith } from '../../src/audit/archive/versions';
import { evidenceText } from '../../src/audit/evidence/file';
import { ReplayProcess } from '../../src/audit/replay-process';
import { CountersignClient } from '../../src/client';
import { SILENT_LOGGER } from '../../src/contracts/logger';
import { gatewayConfigSchema } from '../../src/gateway/config';
import { createGateway, type Gateway } from '../../src/gateway/gateway';
import { GatewayKeys } from '../../src/gateway/keys';
import { createRoutes } from '../../src/gateway/routes';
import { type Listening, listen } from '../../src/gateway/server';
import { generateKey } from '../../src/signing/keys';
import { freePort } from '../../src/stack/free-port';
import { createPages, type Pages } from '../../src/web';
import type { MadeEvidence } from '../../src/web/evidence';
import { evidenceOf } from './audit';
import { Harness } from './harness';
import { SoftwarePasskey } from './signing/passkey';

const RATES = Object.fromEntries(
  ['evaluation', 'submission', 'reading', 'redemption', 'unauthenticated', 'enrolment'].map((name) => [
    name,
    { perSecond: 100_000, burst: 100_000 },
  ]),
);

/** More settings of the gateway, which may depend on where its pages are. */
type Settings = (origin: string) => object | Promise<object>;

/** The pages of a real gateway with Temporal, PostgreSQL and a worker behind it, and people with passkeys. */
export class PageStack {
  readonly clock = { offsetMs: 0 };
  /** Where forms and scripts of the pages send something. */
  posts: readonly string[] = [];
  readonly #passkeys = new Map<string, SoftwarePasskey>();
  #running: Served | undefined;
  readonly #others: Served[] = [];

  private constructor(
    readonly harness: Harness,
    readonly origin: string,
    private readonly port: number,
    private readonly decisionKey: string,
    private readonly config: object,
    private readonly looksAlways: boolean,
  ) {}

  /** @param looksAlways whether the gateway looks for a changed bundle at every call, which no real one does */
  static async start(
    people: readonly string[],
    settings: Settings = () => ({}),
    looksAlways = true,
  ): Promise<PageStack> {
    const [harness, port] = [await Harness.start({ remembers: 'grants', enrols: true }), await freePort()];
    const origin = `http://localhost:${port}`;
    const config = { publicUrl: origin, limits: RATES, ...(await settings(origin)) };
    const stack = new PageStack(
      harness,
      origin,
      port,
      (await generateKey()).privateJwkText,
      config,
      looksAlways,
    );
    for (const person of people) stack.register(person);
    await stack.startGateway();
    return stack;
  }

  /** Registers a passkey of a person, as their second key. */
  register(person: string): SoftwarePasskey {
    const passkey = new SoftwarePasskey();
    const { credentialId, publicKey } = passkey;
    const registration = { passkey: { credentialId, publicKey, rpId: 'localhost', origin: this.origin } };
    this.harness.bundle.set('directory.yaml', ['people', person, 'keys', 1], registration);
    this.#passkeys.set(person, passkey);
    return passkey;
  }

  passkey(person: string): SoftwarePasskey {
    const passkey = this.#passkeys.get(person);
    if (passkey === undefined) throw new Error(`${person} has no passkey`);
    return passkey;
  }

  get gateway(): Gateway {
    if (this.#running === undefined) throw new Error('the gateway is stopped');
    return this.#running.gateway;
  }

  async startGateway(): Promise<void> {
    this.#running = await this.#serve(this.port);
  }

  /** Starts another gateway with the same key and the same database, for the same address. Returns where it listens. */
  async startAnother(): Promise<string> {
    const port = await freePort();
    this.#others.push(await this.#serve(port));
    return `http://localhost:${port}`;
  }

  async #serve(port: number): Promise<Served> {
    const gateway = await createGateway({
      config: gatewayConfigSchema.parse(this.config),
      publicUrl: `http://127.0.0.1:${this.port}`,
      client: new CountersignClient(this.harness.temporal),
      bundles: await this.harness.bundles(SILENT_LOGGER, this.looksAlways ? undefined : Date.now),
      keys: await GatewayKeys.of(await this.harness.cast.key('service/gateway'), this.decisionKey),
      tokenUsesUrls: new Map([['changes', this.harness.postgres.url]]),
      ledger: this.harness.workerLedger,
      grantsOf: (id) => this.harness.ledger.grantsOf(id),
      register: this.harness.register,
      pageOrigin: this.origin,
      sessionStoreUrl: this.harness.postgres.url,
      log: SILENT_LOGGER,
      nowMs: () => Date.now() + this.clock.offsetMs,
    });
    const pages = createPages(gateway, { evidence: (id) => this.#evidence(id) });
    const app = createRoutes(gateway, pages.extension);
    this.posts = app.routes.flatMap(({ method, path }) =>
      method === 'POST' && !/^\/(v1|access|mcp)\//.test(path) ? [path.replace(/:\w+/g, 'abcdefgh-1')] : [],
    );
    return { gateway, pages, listening: await listen(app, { port, host: '127.0.0.1' }) };
  }

  async #evidence(requestId: string): Promise<MadeEvidence> {
    const { files, register } = await this.gateway.bundles.current();
    const versions = versionsWith(files, undefined, register);
    const replayer = new ReplayProcess();
    try {
      const evidence = await evidenceOf(this.harness, requestId, replayer, versions);
      return { made: true, text: evidenceText(evidence) };
    } finally {
      await replayer.close();
    }
  }

  async stopGateway(): Promise<void> {
    if (this.#running !== undefined) await end(this.#running);
    this.#running = undefined;
  }

  async stop(): Promise<void> {
    await this.stopGateway();
    await Promise.all(this.#others.map(end));
    await this.harness.stop();
  }
}

interface Served {
  readonly gateway: Gateway;
  readonly pages: Pages;
  readonly listening: Listening;
}

async function end({ gateway, pages, listening }: Served): Promise<void> {
  await pages.close();
  await listening.stop();
  await gateway.close();
}
