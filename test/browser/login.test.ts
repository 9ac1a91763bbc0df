import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Browser } from 'playwright-core';
import { WRITE } from '../support/harness-asks';
import { eventually } from '../support/harness-wait';
import { PageStack } from '../support/pages';
import { startChromium } from './support/chromium';
import { Person } from './support/person';

jest.setTimeout(360_000);

const COMMAND = path.resolve(__dirname, '../../bin/countersign.js');

let stack: PageStack;
let browser: Browser;
let home: string;

beforeAll(async () => {
  stack = await PageStack.start(['person/mira']);
  browser = await startChromium();
  home = mkdtempSync(path.join(tmpdir(), 'countersign-login-'));
});
afterAll(async () => {
  await browser?.close();
  await stack?.stop();
  if (home !== undefined) rmSync(home, { recursive: true });
});

const env = () => ({
  PATH: process.env['PATH'] ?? '',
  ...{ HOME: home, XDG_CONFIG_HOME: home, TEMPORAL_ADDRESS: '127.0.0.1:1' },
});

/** Not in step with it: the gateway is in this process. */
function countersign(...args: readonly string[]) {
  const child = spawn(process.execPath, [COMMAND, ...args], { cwd: home, env: env() });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk) => (stdout += String(chunk)));
  child.stderr.on('data', (chunk) => (stderr += String(chunk)));
  return new Promise<{ status: number | null; stdout: string; stderr: string }>((resolve) =>
    child.once('close', (status) => resolve({ status, stdout, stderr })),
  );
}

/** Runs `countersign login`, and returns what it says so far, and how it ends. */
function startLogin() {
  const args = [COMMAND, 'login', '--no-open', '--gateway', stack.origin];
  const child: ChildProcess = spawn(process.execPath, args, { cwd: home, env: env() });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (said += String(chunk)));
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  return { child, ended, said: () => said };
}

const logins = () => path.join(home, 'countersign', 'logins');

describe('WEB-4, FRI-2 a person reads from the command line after a sign-in in the browser', () => {
  test('from `login` to `logout`: requests are listed and shown, and nothing is signed', async () => {
    const request = await stack.harness.cast.ask(WRITE);
    const login = startLogin();
    const [address, word] = await eventually('it prints where to go', async () => {
      const [, page] = /open (\S+)/.exec(login.said()) ?? [];
      const [, shown] = /shows (\S+)/.exec(login.said()) ?? [];
      return page !== undefined && shown !== undefined ? ([page, shown] as const) : undefined;
    });
    const mira = await Person.open(stack, browser, 'person/mira');
    const page = await mira.visit(address);
    expect(await page.locator('main').innerText()).toContain(word);
    await page.getByRole('button', { name: 'Let it read for eight hours' }).click();
    await page.waitForURL(({ hostname }) => hostname === '127.0.0.1');
    expect(await page.locator('body').innerText()).toContain('The command line has its answer.');
    expect(await login.ended).toBe(0);
    expect(login.said()).toContain('reading as person/mira');

    const [file = ''] = readdirSync(logins());
    expect(statSync(path.join(logins(), file)).mode & 0o777).toBe(0o600);
    expect(statSync(logins()).mode & 0o777).toBe(0o700);
    const { token } = JSON.parse(readFileSync(path.join(logins(), file), 'utf8'));
    expect(login.said()).not.toContain(token);

    const gateway = ['--gateway', stack.origin];
    const list = await countersign('request', 'list', '--awaiting', 'person/mira', ...gateway);
    expect([list.status, list.stderr]).toEqual([0, '']);
    expect(list.stdout).toContain(request.id.slice(0, 8));
    const show = await countersign('request', 'show', request.id, ...gateway, '--json');
    expect(JSON.parse(show.stdout)).toMatchObject({ id: request.id, proof: { holds: true } });
    const approval = await countersign('approve', request.id, '--as', 'person/mira', ...gateway);
    expect([approval.status, approval.stderr]).toEqual([
      2,
      expect.stringContaining('no key for person/mira'),
    ]);
    // Somebody else is asked for a key.
    expect((await countersign('request', 'list', '--as', 'person/tomas', ...gateway)).status).toBe(2);

    expect(await countersign('logout', ...gateway)).toMatchObject({
      status: 0,
      stdout: 'person/mira is logged out\n',
    });
    expect(readdirSync(logins())).toEqual([]);
    const copy = await fetch(`${stack.origin}/v1/requests`, {
      headers: { authorization: `Bearer ${token}` },
    });
    expect(copy.status).toBe(401);
    expect((await countersign('request', 'list', ...gateway)).status).toBe(2);
    await mira.close();
  });

  test('whoever calls the waiting program without the state of this login gets nothing from it', async () => {
    const login = startLogin();
    const address = await eventually(
      'it prints where to go',
      async () => /open (\S+)/.exec(login.said())?.[1],
    );
    const port = new URL(address).searchParams.get('port');
    for (const query of ['', '?code=x', `?code=x&state=${'a'.repeat(32)}`])
      expect((await fetch(`http://127.0.0.1:${port}/${query}`)).status).toBe(404);
    expect(login.child.exitCode).toBeNull();
    login.child.kill();
    await login.ended;
  });
});
