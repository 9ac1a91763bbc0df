import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { CountersignClient } from '../../../../src/client';
import { SILENT_LOGGER } from '../../../../src/contracts/logger';
import { registerKey } from '../../../../src/directory/register-key';
import { gatewayConfigSchema } from '../../../../src/gateway/config';
import { createGateway, type Gateway } from '../../../../src/gateway/gateway';
import { GatewayKeys } from '../../../../src/gateway/keys';
import { createRoutes } from '../../../../src/gateway/routes';
import { type Listening, listen } from '../../../../src/gateway/server';
import { createBundleSource, FileTicketSource } from '../../../../src/policy';
import { generateKey, importSigningKey, type SigningKey } from '../../../../src/signing/keys';
import { freePort } from '../../../../src/stack/free-port';
import { makeCertificate } from '../../../support/certificate';
import { Web } from './http';
import { selfSigned } from './tokens';

/** A gateway over https that decides, with nothing behind it: no Temporal server runs. */
export class DecisionGateway {
  private constructor(
    readonly web: Web,
    readonly gateway: Gateway,
    private readonly keys: ReadonlyMap<string, SigningKey>,
    private readonly listening: Listening,
    private readonly connection: Connection,
    readonly dir: string,
    /** Details of what it has warned of. */
    readonly warnings: readonly string[],
  ) {}

  /** Serves a bundle; everyone in `signers` gets a key. */
  static async start(
    bundle: string,
    signers: readonly string[],
    configure: (dir: string) => Record<string, unknown> = () => ({}),
  ): Promise<DecisionGateway> {
    const dir = mkdtempSync(path.join(tmpdir(), 'countersign-gateway-'));
    const bundleDir = path.join(dir, 'bundle');
    mkdirSync(bundleDir);
    cpSync(bundle, bundleDir, { recursive: true });
    const keys = new Map<string, SigningKey>();
    const file = path.join(bundleDir, 'directory.yaml');
    let directory = readFileSync(file, 'utf8');
    for (const signer of [...signers, 'service/gateway']) {
      const made = await generateKey();
      directory = registerKey(directory, signer, made.publicJwk, { assurance: 'key', channel: 'test' });
      const key = await importSigningKey(made.privateJwkText, signer);
      if (!key.ok) throw new Error(key.message);
      keys.set(signer, key.key);
    }
    writeFileSync(file, directory);
    const { certFile, keyFile, ca } = makeCertificate(dir);
    const port = await freePort();
    const publicUrl = `https://localhost:${port}`;
    const config = gatewayConfigSchema.parse({ publicUrl, tls: { certFile, keyFile }, ...configure(dir) });
    const bundles = await createBundleSource(bundleDir, {
      tickets: new FileTicketSource(undefined),
      logger: SILENT_LOGGER,
    });
    // Lazy: it is never connected, and the decisions do not miss it.
    const connection = Connection.lazy({ address: '127.0.0.1:1' });
    const attestation = keys.get('service/gateway');
    if (attestation === undefined) throw new Error('no key');
    const warnings: string[] = [];
    const gateway = await createGateway({
      config,
      publicUrl,
      client: new CountersignClient(new Client({ connection })),
      bundles,
      keys: await GatewayKeys.of(attestation, (await generateKey()).privateJwkText),
      tokenUsesUrls: new Map(),
      log: { ...SILENT_LOGGER, warn: (details) => void warnings.push(JSON.stringify(details)) },
    });
    const tls = config.tls;
    const listening = await listen(createRoutes(gateway), { port, host: '127.0.0.1', ...(tls && { tls }) });
    return new DecisionGateway(
      ...([new Web(publicUrl, ca), gateway, keys, listening, connection, dir, warnings] as const),
    );
  }

  token(principal: string, changes: Readonly<Record<string, unknown>> = {}): Promise<string> {
    const key = this.keys.get(principal);
    if (key === undefined) throw new Error(`no key for ${principal}`);
    return selfSigned(principal, key, this.web.base, changes);
  }

  async stop(): Promise<void> {
    await this.listening.stop();
    await this.gateway.close();
    await this.connection.close();
    rmSync(this.dir, { recursive: true, force: true });
  }
}
