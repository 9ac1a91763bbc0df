import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Caller } from '../../../src/gateway/auth/caller';
import { GatewayKeys } from '../../../src/gateway/keys';
import { DenialBinding } from '../../../src/gateway/pdp/binding';
import { DecisionPoint } from '../../../src/gateway/pdp/decide';
import { RequestMapping } from '../../../src/gateway/pdp/mapping';
import { Names } from '../../../src/gateway/pdp/names';
import { Searches } from '../../../src/gateway/pdp/search';
import { FileTicketSource, type LoadedBundle } from '../../../src/policy';
import { loadBundle } from '../../../src/policy/load/load-bundle';
import { generateKey } from '../../../src/signing/keys';
import { Keyring } from '../../support/keyring';

const FIXTURE = path.resolve(__dirname, '../../fixtures/authzen-certification');
const READERS = {
  subject: { type: 'agent' },
  action: { name: 'read' },
  resource: { type: 'record', id: 'record-1' },
};
const AGENTS = 1_500;

const callerOf = (principal: string): Caller => ({
  principal,
  onBehalfOf: [],
  via: { issuer: 'directory', subject: principal, token: '' },
  chain: [{ issuer: 'directory', subject: principal }],
  expiresAtMs: Number.MAX_SAFE_INTEGER,
});

describe('searches through a large directory', () => {
  const dir = mkdtempSync(path.join(tmpdir(), 'countersign-search-'));
  let bundle: LoadedBundle;
  let decisions: DecisionPoint;
  let searches: Searches;

  beforeAll(async () => {
    cpSync(FIXTURE, dir, { recursive: true });
    const file = path.join(dir, 'directory.yaml');
    const agents = Array.from(
      { length: AGENTS },
      (_, index) => `  agent/a${index}: { title: One of many, owner: person/alice, sponsor: person/bob }\n`,
    ).join('');
    writeFileSync(file, readFileSync(file, 'utf8').replace('identities:\n', `identities:\n${agents}`));
    const loaded = await loadBundle(dir, new FileTicketSource(undefined));
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
    bundle = loaded.bundle;
    const bundles = { current: async () => bundle };
    const keys = await GatewayKeys.of(
      await new Keyring().enrol('service/gateway'),
      (await generateKey()).privateJwkText,
    );
    const names = new Names({ subjects: [], resources: [] });
    const enforcementPoints = new Set(['service/harness']);
    decisions = new DecisionPoint({
      ...{ bundles, enforcementPoints, mapping: new RequestMapping(names, enforcementPoints) },
      binding: new DenialBinding(keys, 'https://gateway.example', 'https://gateway.example', Date.now),
      endpoint: 'https://gateway.example/access/v1/requests',
      formsUrl: 'https://gateway.example/access/v1',
      reevaluate: async () => ({ ok: false, reason: 'none', nextAction: 'none' }),
      nowMs: Date.now,
    });
    searches = new Searches(bundles, decisions, names);
  });
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  it('FRI-1 let everyone else have their turn in between, however many there are', async () => {
    const asked = jest.spyOn(bundle.context.engine, 'ask');
    let turns = 0;
    let isOver = false;
    const count = () => {
      turns += 1;
      if (!isOver) setImmediate(count);
    };
    setImmediate(count);
    const enforcing = callerOf('service/harness');
    await Promise.all([searches.subjects(enforcing, READERS), searches.subjects(enforcing, READERS)]);
    isOver = true;
    expect(asked.mock.calls.length).toBeGreaterThanOrEqual(2 * AGENTS);
    asked.mockRestore();
    // A piece is 10 ms of some hundreds; done in one go there would be a turn or two.
    expect(turns).toBeGreaterThan(5);
  });

  it('ask policy about nobody whom the caller may not ask about', async () => {
    const asked = jest.spyOn(bundle.context.engine, 'ask');
    expect(await searches.subjects(callerOf('agent/a7'), READERS)).toEqual({ results: [] });
    expect(asked.mock.calls.length).toBeLessThanOrEqual(1);
    asked.mockClear();
    const other = { ...READERS, subject: { type: 'agent', id: 'a8' } };
    expect(await decisions.evaluate(callerOf('agent/a7'), other)).toEqual({
      decision: false,
      context: { reason: 'subject_not_authorised' },
    });
    expect(asked.mock.calls).toEqual([]);
    asked.mockRestore();
  });
});
