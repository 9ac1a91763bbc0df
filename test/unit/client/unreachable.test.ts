import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer as createHttp } from 'node:http';
import type { Server } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createServer as createTls } from 'node:tls';
import { whyUnreachable } from '../../../src/unreachable';
import { makeCertificate } from '../../support/certificate';

const servers: Server[] = [];
afterAll(() => Promise.all(servers.map((server) => new Promise((closed) => server.close(closed)))));

async function addressOf(server: Server): Promise<string> {
  servers.push(server);
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return `127.0.0.1:${address.port}`;
}

/** Answers anything that looks like the beginning of TLS with an alert, as a server of TLS does. */
const speaksNoTls = () => createHttp((_, response) => response.end('hello'));

function speaksTls(): Server {
  const dir = mkdtempSync(path.join(tmpdir(), 'countersign-tls-'));
  const { certFile, keyFile } = makeCertificate(dir);
  const server = createTls({ cert: readFileSync(certFile), key: readFileSync(keyFile) }, (socket) => {
    socket.on('error', () => undefined);
  });
  rmSync(dir, { recursive: true });
  return server;
}

describe('UNREACHABLE names the address and the cause', () => {
  test.each([
    ['nothing listens', '127.0.0.1:1', /at 127\.0\.0\.1:1: the connection is refused/],
    ['no such name', 'countersign.invalid:7233', /the name countersign\.invalid is not found/],
    ['no address', 'http://x y', /is not an address/],
  ])('%s', async (_, address, message) => {
    expect(await whyUnreachable({ address })).toMatch(message);
  });

  test('the server does not speak TLS', async () => {
    const address = await addressOf(speaksNoTls());
    expect(await whyUnreachable({ address, tls: true })).toMatch(/TLS fails: the server does not speak it/);
  });

  test('something else listens there', async () => {
    const address = await addressOf(speaksNoTls());
    expect(await whyUnreachable({ address })).toMatch(/does not answer as a Temporal server/);
  });

  test('the server speaks TLS, and was asked without', async () => {
    const address = await addressOf(speaksTls());
    expect(await whyUnreachable({ address })).toMatch(/the server speaks TLS, and TEMPORAL_TLS is not set/);
  });

  test('the server speaks TLS, and the certificates are not trusted', async () => {
    const address = await addressOf(speaksTls());
    expect(await whyUnreachable({ address, tls: true })).toMatch(/TLS fails: check the certificates/);
  });
});
