import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { connect } from 'node:tls';
import { type Listening, listen } from '../../../src/gateway/server';
import { makeCertificate } from '../../support/certificate';
import { eventuallyTrue } from '../../support/harness-wait';

const [dir, other] = ['countersign-tls-', 'countersign-tls-'].map((name) =>
  mkdtempSync(path.join(tmpdir(), name)),
) as [string, string];
const logged: string[] = [];
const log = (_: object, message: string) => void logged.push(message);
let listening: Listening;
afterAll(async () => {
  await listening?.stop();
  for (const one of [dir, other]) rmSync(one, { recursive: true, force: true });
});

/** The fingerprint of the certificate that a new connection is shown. */
const shown = () =>
  new Promise<string>((resolve, reject) => {
    const socket = connect({ port: listening.port, host: '127.0.0.1', rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate().fingerprint256);
      socket.end();
    });
    socket.on('error', reject);
  });

test('SHP-1 a certificate that was renewed is used without a restart; one without its key, or garbled, is told and the last one goes on', async () => {
  const files = makeCertificate(dir);
  const renewed = makeCertificate(other);
  const { certFile, keyFile } = files;
  const app = { fetch: () => new Response('ok') };
  listening = await listen(app, {
    ...{ port: 0, host: '127.0.0.1', tls: { certFile, keyFile }, lookEveryMs: 20 },
    log: { info: log, warn: log, error: log },
  });
  const before = await shown();
  const told = (message: RegExp) =>
    eventuallyTrue(String(message), async () => logged.some((one) => message.test(one)));

  copyFileSync(renewed.certFile, certFile);
  await told(/^ALERT the new certificate cannot be used/);
  expect(await shown()).toBe(before);

  writeFileSync(keyFile, 'half of a ke');
  expect(await shown()).toBe(before);

  copyFileSync(renewed.keyFile, keyFile);
  await told(/a new certificate is used/);
  expect(await shown()).not.toBe(before);
});
