import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { SharedServer } from '../../../src/gate/shared-server';
import type { CallDecision, ToolGate } from '../../../src/gate/tool-gate';
import { FileTicketSource, loadBundle } from '../../../src/policy';

const ROOT = path.resolve(__dirname, '../../..');
const HOSTILE = path.join(ROOT, 'test/integration/gate/hostile-server.mjs');

let dir: string;
let server: SharedServer;
beforeAll(async () => {
  dir = mkdtempSync(path.join(tmpdir(), 'shared-server-'));
  const loaded = await loadBundle(
    path.join(ROOT, 'examples/mcp-gate/bundle'),
    new FileTicketSource(undefined),
  );
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  const { bundle } = loaded;
  server = new SharedServer({
    name: 'payments',
    command: [process.execPath, HOSTILE],
    env: { PAYMENTS_FILE: path.join(dir, 'paid.txt'), SAYS_BYTES: '2000' },
    version: '1',
    observe: false,
    bundle: async () => bundle,
  });
});
afterAll(() => {
  server.stop();
  rmSync(dir, { recursive: true, force: true });
});

/** A gate that passes every call. */
const passing = (mostBytes: number): Pick<ToolGate, 'decide' | 'stateOf' | 'ended'> => ({
  decide: async ({ arguments: given }): Promise<CallDecision> => ({
    ...{ kind: 'pass', arguments: given, call: '1', mostBytes },
  }),
  stateOf: () => ({ ok: true, digest: '' }),
  ended: () => undefined,
});

test('GAT-1 an answer that is longer than the catalog lets through does not reach who calls over HTTP', async () => {
  const pay = (mostBytes: number) =>
    server.answer(
      {
        ...{ jsonrpc: '2.0', id: 1, method: 'tools/call' },
        params: { name: 'send_payment', arguments: { to: 'ACME', amount: 5, currency: 'EUR' } },
      },
      passing(mostBytes),
    );
  expect(JSON.stringify(await pay(4_096))).toContain('paid 5 EUR to ACME');
  const held = JSON.stringify(await pay(1_024));
  expect(held).toContain('RESULT_TOO_LONG: The call was made');
  expect(held).not.toContain('paid 5 EUR');
});
