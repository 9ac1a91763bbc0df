import { type ChildProcess, spawn } from 'node:child_process';
import path from 'node:path';
import { ScimService } from '../../../src/connectors/scim-group/service';
import { EXAMPLE_BUNDLE_DIR } from '../../../src/project';
import { freePort } from '../../../src/stack/free-port';
import { eventually } from '../harness-wait';
import { ChangeProxy } from './change-proxy';

const PROVIDER = path.resolve(EXAMPLE_BUNDLE_DIR, '../test/support/targets/scim-provider.mjs');
export const SCIM_TOKEN = 'token-of-the-scim-service';
/** A token with which nothing can be changed. */
export const READ_TOKEN = `${SCIM_TOKEN}-to-read`;

/** A SCIM provider made with scimmy, as a process of its own, and a proxy that can lose changes and be down. */
export class TestScim {
  private isDown = false;

  private constructor(
    private readonly process: ChildProcess,
    readonly port: number,
    readonly proxy: ChangeProxy,
  ) {}

  /** @param users `off:NAME` is not active */
  static async start(users: readonly string[], groups: readonly string[]): Promise<TestScim> {
    const port = await freePort();
    const args = [PROVIDER, String(port), SCIM_TOKEN, ...users, '--', ...groups];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    let said = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    await eventually('the SCIM provider is ready', async () => /ready/.exec(said) ?? undefined);
    let scim: TestScim | undefined;
    const proxy = await ChangeProxy.start({
      upstream: () => (scim?.isDown ? undefined : new URL(`http://127.0.0.1:${port}`)),
      isChange: ({ method }) => method === 'PATCH',
    });
    scim = new TestScim(child, port, proxy);
    return scim;
  }

  /** The address that a connector is given. */
  get url(): string {
    return `${this.proxy.url}/scim/v2`;
  }

  /** Makes the provider unreachable without losing anything, and brings it back. */
  goes(how: 'down' | 'up'): void {
    this.isDown = how === 'down';
  }

  /** Asks the provider itself, past the proxy. */
  get past(): ScimService {
    return new ScimService({ url: `http://127.0.0.1:${this.port}/scim/v2`, token: SCIM_TOKEN });
  }

  async isMember(account: string, group: string): Promise<boolean> {
    const id = await this.past.findGroup(group);
    return id !== undefined && (await this.past.members(id)).includes(account);
  }

  /** Changes a membership past the connector. */
  async change(how: 'add' | 'remove', account: string, group: string): Promise<void> {
    const id = await this.past.findGroup(group);
    const found = await this.past.findAccount(account);
    if (id === undefined || 'refused' in found) throw new Error(`${account} or ${group} is not there`);
    await this.past[how](id, found.id);
  }

  async stop(): Promise<void> {
    await this.proxy.stop();
    this.process.kill('SIGKILL');
  }
}
