import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Logger, SILENT_LOGGER } from '../../src/contracts/logger';
import { PushedStore } from '../../src/directory/sources/pushed/store';
import { SnapshotStore } from '../../src/directory/sources/store';
import { gatewayConfigSchema } from '../../src/gateway/config';
import { createApp } from '../../src/gateway/http/app';
import { RateLimiter } from '../../src/gateway/http/rate-limit';
import { addScim } from '../../src/gateway/routes/scim';
import { ScimService } from '../../src/gateway/scim/service';
import { type Listening, listen } from '../../src/gateway/server';
import {
  type BundleSource,
  createBundleSource,
  FileTicketSource,
  type LoadedBundle,
  withSources,
} from '../../src/policy';
import { generateKey, importSigningKey, type SigningKey } from '../../src/signing/keys';
import { NO_METRICS } from '../../src/telemetry/catalogue';
import { type Answer, Web } from '../integration/gateway/support/http';
import { runDirectory } from './directory-command';
import { exampleBundleCopy, spoiled } from './policy/spoiled-bundle';
import { startPostgres, type TestPostgres } from './postgres';

export const TOKEN = 'the-token-of-the-identity-provider-0001';
const USER = 'urn:ietf:params:scim:schemas:core:2.0:User';
const GROUP = 'urn:ietf:params:scim:schemas:core:2.0:Group';
const PATCH = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';

/** A company whose identity provider pushes its administrators of databases, with gateways that take them in. */
export class PushedOffice {
  readonly #closers: (() => Promise<void>)[] = [];
  readonly #gateways: Listening[] = [];

  constructor(
    readonly postgres: TestPostgres,
    readonly bundle: string,
    readonly keys: string,
    private readonly gatewayKey: SigningKey,
    readonly lines: string[],
    private readonly logger: Logger,
  ) {}

  static async open(most = 6): Promise<PushedOffice> {
    const keys = mkdtempSync(path.join(tmpdir(), 'countersign-pushed-'));
    const bundle = exampleBundleCopy();
    const spoil = (search: string, replacement: string) =>
      spoiled(path.join(bundle, 'directory.yaml'), search, replacement);
    const keyOf = async (name: string) => {
      const { privateJwkText, publicJwk } = await generateKey();
      writeFileSync(path.join(keys, `${name}.jwk`), privateJwkText, { mode: 0o600 });
      const imported = await importSigningKey(privateJwkText, name);
      if (!imported.ok) throw new Error(imported.message);
      return {
        yaml: JSON.stringify([{ jwk: publicJwk, assurance: 'key', channel: 'cli' }]),
        key: imported.key,
      };
    };
    const gateway = await keyOf('gateway');
    spoil(
      'identities:\n',
      `identities:\n  service/directory: { title: Reads the sources, owner: person/david, sponsor: person/oskar, keys: ${(await keyOf('directory')).yaml} }\n`,
    );
    spoil('[recorder, enforcement-point]', `[recorder, enforcement-point]\n    keys: ${gateway.yaml}`);
    spoil('{ name: Nadia', `{ keys: ${(await keyOf('nadia')).yaml}, name: Nadia`);
    spoil('members: [person/david, person/aiko]', 'members: []');
    writeFileSync(path.join(keys, 'token'), `${TOKEN}\n`);
    writeFileSync(
      path.join(bundle, 'sources.yaml'),
      `readers: [service/directory]
staleAfter: 1h
sources:
  office:
    kind: scim-server
    tokenFile: ${path.join(keys, 'token')}
    people:
      endDate: urn:countersign:params:scim:schemas:extension:2.0:User:endDate
      accounts: { warehouse: nickName }
    groups: { dba: { from: Database admins, most: ${most} } }
    roles: { security-operations: Security }
`,
    );
    const lines: string[] = [];
    const logger = {
      ...SILENT_LOGGER,
      error: (about: object, message: string) => void lines.push(`${message} ${JSON.stringify(about)}`),
    };
    return new PushedOffice(await startPostgres(), bundle, keys, gateway.key, lines, logger);
  }

  /** Starts a gateway. Returns a client without a token. */
  async gateway(nowMs: () => number = Date.now): Promise<Web> {
    const tickets = new FileTicketSource(undefined);
    const bundles = await createBundleSource(this.bundle, { tickets, logger: this.logger });
    const store = new PushedStore({ url: this.postgres.url });
    const scim = new ScimService({
      ...{ store, bundles, log: this.logger, nowMs, publicUrl: 'https://countersign.example' },
      own: { recorder: 'service/gateway' },
      keys: { attestation: this.gatewayKey },
    });
    const app = createApp(this.logger, NO_METRICS, 'https://countersign.example');
    const { limits } = gatewayConfigSchema.parse({});
    const limiter = new RateLimiter();
    addScim(() => undefined, { scim, limiter, config: { limits }, log: this.logger }, app);
    const listening = await listen(app, { port: 0, host: '127.0.0.1' });
    this.#gateways.push(listening);
    this.#closers.push(() => store.close());
    return new Web(`http://127.0.0.1:${listening.port}`);
  }

  /** What a process has in force that began before now. */
  async process(): Promise<BundleSource<LoadedBundle>> {
    const files = await createBundleSource(this.bundle, {
      tickets: new FileTicketSource(undefined),
      logger: this.logger,
    });
    let looks = 0;
    // Each look at the database is long after the one before.
    const later = () => {
      looks += 10_000;
      return looks;
    };
    const store = new SnapshotStore({ url: this.postgres.url, logger: this.logger, nowMs: later });
    this.#closers.push(() => store.close());
    return withSources(files, store, this.logger);
  }

  key(name: string): string {
    return path.join(this.keys, `${name}.jwk`);
  }

  get env(): Readonly<Record<string, string>> {
    return { COUNTERSIGN_BUNDLE: this.bundle, COUNTERSIGN_LEDGER_URL: this.postgres.url };
  }

  run(...argv: readonly string[]): Promise<readonly string[]> {
    return runDirectory(this.env, ...argv);
  }

  sync(): Promise<readonly string[]> {
    return this.run('sync', '--as', 'service/directory', '--key', this.key('directory'));
  }

  async stopGateways(): Promise<void> {
    for (const gateway of this.#gateways) await gateway.stop();
    for (const close of this.#closers) await close();
  }

  async close(): Promise<void> {
    await this.stopGateways();
    this.postgres.stop();
    for (const dir of [this.bundle, this.keys]) rmSync(dir, { recursive: true, force: true });
  }
}

/** An identity provider that pushes. */
export class Provider {
  constructor(
    readonly web: Web,
    readonly token: string = TOKEN,
  ) {}

  call(
    where: string,
    method?: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Answer> {
    return this.web.call(`/scim/v2${where}`, {
      ...(method !== undefined && { method }),
      ...(body !== undefined && { body }),
      headers: {
        authorization: `Bearer ${this.token}`,
        ...(body !== undefined && { 'content-type': 'application/scim+json' }),
        ...headers,
      },
    });
  }

  /** Pushes a person. Returns their id. */
  async user(userName: string, about: object = {}): Promise<string> {
    const { status, json, text } = await this.call('/Users', 'POST', {
      ...{ schemas: [USER], userName, displayName: `Name of ${userName}`, active: true, ...about },
    });
    if (status !== 201) throw new Error(`not made: ${text}`);
    return json.id;
  }

  async group(displayName: string, members: readonly string[]): Promise<string> {
    const { status, json, text } = await this.call('/Groups', 'POST', {
      ...{ schemas: [GROUP], displayName, members: members.map((value) => ({ value })) },
    });
    if (status !== 201) throw new Error(`not made: ${text}`);
    return json.id;
  }

  patch(where: string, ...Operations: readonly object[]): Promise<Answer> {
    return this.call(where, 'PATCH', { schemas: [PATCH], Operations });
  }
}
