import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import type { HolderKey } from '../../../../src/enforcement';
import { freePort } from '../../../../src/stack/free-port';

const PROGRAM = path.join(__dirname, 'openid-provider.mjs');

/** A real OpenID provider on loopback, in a process of its own. */
export class Issuer {
  private constructor(
    readonly url: string,
    private readonly audience: string,
    private readonly child: ChildProcess,
  ) {}

  static async start(audience: string, clients: readonly string[]): Promise<Issuer> {
    const port = await freePort();
    const child = spawn(process.execPath, [PROGRAM, String(port), audience, ...clients], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    await new Promise<void>((resolve, reject) => {
      child.stdout?.on('data', (chunk: Buffer) => chunk.toString().includes('ready') && resolve());
      child.once('exit', (code) => reject(new Error(`the issuer ended with ${code}`)));
    });
    return new Issuer(`http://127.0.0.1:${port}`, audience, child);
  }

  /** An access token of a client; with a key, one that is bound to it. It is for the gateway, or for another resource. */
  async token(client: string, key?: HolderKey, resource = this.audience): Promise<string> {
    const url = `${this.url}/token`;
    const form = new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: client,
      client_secret: `secret-of-${client}`,
      resource,
    });
    const headers = key === undefined ? {} : { dpop: await key.proof('POST', url, '') };
    const response = await fetch(url, { method: 'POST', body: form, headers });
    const answer = (await response.json()) as { access_token?: string };
    if (answer.access_token === undefined) throw new Error(JSON.stringify(answer));
    return answer.access_token;
  }

  async stop(): Promise<void> {
    this.child.kill();
    if (this.child.exitCode === null) await once(this.child, 'exit');
  }
}
