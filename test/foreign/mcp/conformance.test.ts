import { mkdtempSync } from 'node:fs';
import { createServer, request as forward, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { freePort } from '../../../src/stack/free-port';
import { UpStack } from '../../integration/gateway/support/up-stack';
import { nodeRelease } from '../../support/node-release';
import { npmTools, runProgram } from '../support/npm-tools';

/*
 * The protocol's own conformance suite, against a gateway as a user starts it. The suite has no way to be authenticated, so its
 * calls go through a proxy that adds an agent's token and changes nothing else.
 */

jest.setTimeout(300_000);

const SUITE = 'node_modules/@modelcontextprotocol/conformance/dist/index.js';

let stack: UpStack;
let proxy: Server;
let address: string;

beforeAll(async () => {
  const port = await freePort();
  address = `http://127.0.0.1:${port}`;
  // The suite calls as a page of the address that it was given.
  stack = await UpStack.start({ mcp: { allowedOrigins: [address] } });
  const { hostname, port: to } = new URL(stack.url);
  proxy = createServer(async (incoming, outgoing) => {
    const authorization = `Bearer ${await stack.issuer.token('atlas')}`;
    const headers = { ...incoming.headers, authorization };
    const call = forward({ hostname, port: to, path: incoming.url, method: incoming.method, headers });
    call.on('response', (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    call.on('error', () => outgoing.destroy());
    incoming.pipe(call);
  });
  await new Promise<void>((resolve) => proxy.listen(port, '127.0.0.1', resolve));
  expect((proxy.address() as AddressInfo).port).toBe(port);
}, 180_000);
afterAll(async () => {
  proxy?.closeAllConnections();
  await new Promise((resolve) => proxy?.close(resolve) ?? resolve(undefined));
  await stack?.stop();
});

describe('FRI-2 the conformance suite of the Model Context Protocol', () => {
  it.each([
    ['2025-11-25', ['server-initialize', 'ping', 'tools-list', 'dns-rebinding-protection']],
    [
      '2026-07-28',
      ['tools-list', 'dns-rebinding-protection', 'http-header-validation', 'server-sse-multiple-streams'],
    ],
  ])('finds what %s demands of a server with tools, but for what the list beside this says', async (revision, whole) => {
    const { code, stdout, stderr } = await runProgram(
      nodeRelease(22),
      [
        ...[path.join(npmTools(), SUITE), 'server', '--url', `${address}/mcp`, '--requirements', revision],
        ...['--expected-failures', path.join(__dirname, `conformance/${revision}.yaml`)],
      ],
      { cwd: mkdtempSync(path.join(tmpdir(), 'countersign-conformance-')), env: { NO_COLOR: '1' } },
    );
    const summary = stdout.slice(stdout.indexOf('=== SUMMARY'));
    expect({ code, summary, stderr }).toMatchObject({ code: 0 });
    for (const scenario of whole)
      expect(summary).toMatch(new RegExp(`✓ ${scenario}: [1-9]\\d* passed, 0 failed`));
  });
});
