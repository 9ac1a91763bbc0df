import path from 'node:path';
import { Provider, PushedOffice, TOKEN } from '../../support/pushed-office';
import { runProgram } from '../support/npm-tools';
import { pythonTools } from '../support/python-tools';

/* scim2-tester, as PyPI has it, checks the SCIM server of the gateway: discovery, every attribute of every resource, PATCH, projections. */

jest.setTimeout(240_000);

interface Found {
  readonly status: string;
  readonly title: string;
  readonly resource: string | null;
  readonly reason: string | null;
}

let office: PushedOffice;
let provider: Provider;
beforeAll(async () => {
  office = await PushedOffice.open();
  provider = new Provider(await office.gateway());
}, 120_000);
afterAll(() => office?.close());

/** What it skips, and why. */
const SKIPPED: readonly string[] = [];

test('DIR-1 scim2-tester finds nothing wrong', async () => {
  const asked = JSON.stringify({ url: `${provider.web.base}/scim/v2`, token: TOKEN });
  const program = path.join(__dirname, '../python/scim_tester.py');
  const ran = await runProgram(path.join(pythonTools(), 'python3'), [program, asked], {});
  if (ran.code !== 0) throw new Error(ran.stderr.slice(-4_000));
  const found: readonly Found[] = JSON.parse(ran.stdout);
  const shown = ({ status, title, resource, reason }: Found) => `${status} ${title} ${resource}: ${reason}`;
  expect(
    found
      .filter(({ status }) => !['SUCCESS', 'COMPLIANT', 'ACCEPTABLE', 'SKIPPED'].includes(status))
      .map(shown),
  ).toEqual([]);
  expect(found.filter(({ status }) => status === 'SKIPPED').map(shown)).toEqual(SKIPPED);
  // Every attribute of people and groups was added, replaced and removed by PATCH.
  expect(found.filter(({ status }) => status === 'SUCCESS').length).toBeGreaterThan(100);
});
