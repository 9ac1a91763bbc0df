import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Command } from 'commander';
import { evidenceSet } from '../../../src/cli/audit/evidence-set';
import { defineReport } from '../../../src/cli/audit/report';
import { type Context, createContext } from '../../../src/cli/context';
import type { CommandResult } from '../../../src/cli/output';
import { resealed } from '../../support/audit-reseal';

const KEPT = path.resolve(__dirname, '../../replay/evidence');
let folder: string;
let said: string[];
let context: Context;

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'countersign-unproved-'));
  cpSync(path.join(KEPT, 'denied.json'), path.join(folder, 'denied.json'));
  // Somebody who knows the format signs in the name of others, and makes every hash match again.
  const genuine = readFileSync(path.join(KEPT, 'two-stages.json'), 'utf8');
  const forged = genuine.replace(
    /("jws":"[\w-]+\.[\w-]+\.)([\w-]{20})/g,
    (_all, before: string) => `${before}${'A'.repeat(20)}`,
  );
  writeFileSync(path.join(folder, 'forged.json'), JSON.stringify(resealed(JSON.parse(forged))));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

beforeEach(async () => {
  said = [];
  context = { ...(await createContext({})), announce: (line) => void said.push(line) };
});

/** Runs `audit report` in this process. */
async function report(...args: readonly string[]): Promise<Record<string, unknown>> {
  let result: CommandResult | undefined;
  const program = new Command();
  defineReport(program, async (work) => {
    result = await work(context);
  });
  await program.parseAsync(['report', folder, '--format', 'json', ...args], { from: 'user' });
  return JSON.parse(result?.lines.join('\n') ?? '');
}

describe('AUD-3, TTA-5 a report says which evidence is proved, and which only holds together', () => {
  test('evidence whose signatures are forged is read, with what is wrong; true evidence is proved', async () => {
    const found = await evidenceSet([folder], context);
    const byFile = Object.fromEntries(
      found.map(({ origin, unproved }) => [path.basename(origin), unproved?.check]),
    );
    expect(byFile).toEqual({
      'denied.json': undefined,
      'forged.json': expect.stringMatching(/statements|assessment/),
    });
  });

  test('each row of a report has a proof or a mark, and stderr says where it fails', async () => {
    const { approvals, denials, unproved, checked } = await report();
    expect(unproved).toBe(1);
    expect(checked).toEqual(expect.arrayContaining(['seal', 'statements', 'duties']));
    const proofs = (rows: unknown) => (Array.isArray(rows) ? rows.map((row) => row.proof) : []);
    expect(new Set(proofs(approvals))).toEqual(new Set([expect.stringMatching(/^NOT PROVED: /)]));
    expect(new Set(proofs(denials))).toEqual(new Set(['proved']));
    expect(said).toEqual([expect.stringMatching(/forged\.json: not proved: \w+ at steps/)]);
  });

  test('versions that the reader trusts are compared: evidence by others is not proved', async () => {
    const policies = path.resolve(__dirname, '../../../policies');
    const { unproved, checked } = await report(
      '--policy',
      policies,
      '--directory',
      path.join(policies, 'directory.yaml'),
    );
    expect(unproved).toBe(2);
    expect(checked).toEqual(expect.arrayContaining(['policy', 'directory']));
  });
});
