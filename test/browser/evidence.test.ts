import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Browser } from 'playwright-core';
import { parseEvidenceBytes } from '../../src/audit/evidence/file';
import { verifyEvidence } from '../../src/audit/verify/verify';
import type { AccessRequest } from '../../src/domain/request';
import { WRITE } from '../support/harness-asks';
import { eventuallyTrue } from '../support/harness-wait';
import { PageStack } from '../support/pages';
import { startChromium } from './support/chromium';
import { Person } from './support/person';

jest.setTimeout(240_000);

const COMMAND = path.resolve(__dirname, '../../bin/countersign.js');
const NO_NETWORK = path.resolve(__dirname, '../support/no-network.cjs');
/** So many bytes of the file are changed, one at a time. The suite of the audit changes every element of every life. */
const BYTES = 240;

let stack: PageStack;
let browser: Browser;
let folder: string;
let request: AccessRequest;
let file: string;

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'countersign-download-'));
  stack = await PageStack.start(['mira', 'nadia'].map((name) => `person/${name}`));
  browser = await startChromium();
  request = await stack.harness.cast.ask(WRITE);
});
afterAll(async () => {
  await browser?.close();
  await stack?.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe('AUD-3 evidence with the signature of a passkey, downloaded in a browser', () => {
  test('a governor downloads it from the list of all requests', async () => {
    const [mira, nadia] = [
      await Person.open(stack, browser, 'person/mira'),
      await Person.open(stack, browser, 'person/nadia'),
    ];
    await mira.visit(`/requests/${request.id}`);
    await mira.sign('Approve', { comment: 'the migration is reviewed' });
    await stack.harness.cast.settled(request);
    const page = await nadia.visit('/audit');
    const link = page.locator(`a[href="/audit/${request.id}/evidence"]`);
    await eventuallyTrue('the list has the request', async () => {
      if ((await link.count()) === 1) return true;
      await page.reload();
      return false;
    });
    const [download] = await Promise.all([page.waitForEvent('download'), link.click()]);
    expect(download.suggestedFilename()).toBe(`evidence-${request.id}.json`);
    file = path.join(folder, download.suggestedFilename());
    await download.saveAs(file);
    const theirs = await mira.page.goto(`/audit/${request.id}/evidence`);
    expect(theirs?.status()).toBe(403);
    await Promise.all([mira.close(), nadia.close()]);
  });

  test('the command verifies it with no server and the network off', () => {
    const node = ['--require', NO_NETWORK, COMMAND, 'audit', 'verify', file];
    const { PATH = '', HOME = '' } = process.env;
    const env = { PATH, HOME, TEMPORAL_ADDRESS: '127.0.0.1:1' };
    const verified = spawnSync(process.execPath, node, { cwd: folder, encoding: 'utf8', env });
    expect([verified.status, verified.stderr]).toEqual([0, '']);
    expect(verified.stdout).toMatch(/ok {4}statements/);
    const text = readFileSync(file, 'utf8');
    expect(text).toContain('"format":"webauthn"');
    expect(text).toContain('the migration is reviewed');
  });

  test('a change of any byte is found', async () => {
    const bytes = new Uint8Array(readFileSync(file));
    const stride = Math.max(1, Math.floor(bytes.length / BYTES));
    const unnoticed: number[] = [];
    let tried = 0;
    for (let at = stride >> 1; at < bytes.length; at += stride) {
      tried += 1;
      const changed = bytes.slice();
      changed[at] = (changed[at] ?? 0) ^ 1;
      const read = parseEvidenceBytes(changed, 'changed');
      if (read.ok && (await verifyEvidence(read.evidence, { text: read.text })).ok) unnoticed.push(at);
    }
    expect(unnoticed).toEqual([]);
    expect(tried).toBeGreaterThanOrEqual(BYTES);
  });
});
