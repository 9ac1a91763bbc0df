import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Precedents } from '../../../src/domain/precedents';
import type { AccessRequest } from '../../../src/domain/request';
import { findingsOf, type PolicyChange } from '../../../src/friction/signals';
import { FrictionTally } from '../../../src/friction/tally';
import {
  bundleOf,
  FileTicketSource,
  type LoadedBundle,
  loadBundle,
  preview,
  proposedIn,
  readBundleFiles,
  withChange,
} from '../../../src/policy';
import { EXAMPLE_BUNDLE_DIR } from '../../../src/project';
import { BEGIN, lifeOf } from '../../support/friction/population';
import { askedBefore, asks, HOUR, MINUTE, NOW, onRecord } from '../policy/example';

const WRITE = 'warehouse:payments#write';
const what = { connector: 'warehouse', resource: 'payments', action: 'write' };

/** The change that follows from forty requests of two pipelines, each granted by a lead. */
function proposedChange(): PolicyChange {
  const tally = new FrictionTally();
  for (let index = 0; index < 40; index += 1)
    tally.add(
      lifeOf({
        id: `request-${index}`,
        atMs: BEGIN + index * HOUR,
        what,
        who: index % 2 === 0 ? 'ci/payments' : 'bot/deployer',
        ends: 'approved',
        decidesAfterMs: 10 * MINUTE,
        durationMs: 30 * MINUTE,
        path: {
          name: 'production-write',
          stages: { owner: [index % 3 === 0 ? 'person/mira' : 'person/tomas'] },
        },
        policies: ['production-write'],
      }),
    );
  const [finding] = findingsOf({ tally, figures: tally.figures() });
  if (finding?.change === undefined) throw new Error('there is no proposal');
  return finding.change;
}

function without(id: string, text: string): string {
  const begins = text.indexOf(`@id("${id}")`);
  if (begins < 0) throw new Error(`no policy ${id}`);
  return text.slice(0, begins) + text.slice(text.indexOf(';', begins) + 1);
}

describe('FRI-5 the policy text that an auto-approval candidate proposes', () => {
  let folder: string;
  let before: LoadedBundle;
  let after: LoadedBundle;
  let withoutClause: LoadedBundle;

  async function bundleWith(name: string, proposal?: PolicyChange): Promise<LoadedBundle> {
    const dir = path.join(folder, name);
    cpSync(EXAMPLE_BUNDLE_DIR, dir, { recursive: true });
    const file = path.join(dir, 'access.cedar');
    // Without the example's own rule for what was denied before, so that only the proposal's condition is left to hold.
    const text = without('production-write-after-denial', readFileSync(file, 'utf8'));
    writeFileSync(file, text);
    const files = await readBundleFiles(dir);
    const changed = files.ok && proposal ? withChange(files.value, proposal) : undefined;
    const loaded = changed?.ok
      ? bundleOf(changed.files, new FileTicketSource(undefined))
      : await loadBundle(dir, new FileTicketSource(undefined));
    if (!loaded.ok || changed?.ok === false) throw new Error(JSON.stringify(loaded));
    return loaded.bundle;
  }

  beforeAll(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'countersign-proposal-'));
    const proposal = proposedChange();
    before = await bundleWith('before');
    after = await bundleWith('after', proposal);
    withoutClause = await bundleWith('half', { ...proposal, exempt: { policies: [], clause: '' } });
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const asksFor = (who: string, about: Partial<AccessRequest> = {}) => {
    const { ticket: _ticket, ...request } = asks(who, WRITE, { durationMs: 30 * MINUTE, ...about });
    return { ...request, onBehalfOf: about.onBehalfOf ?? [] };
  };
  const outcome = (bundle: LoadedBundle, request: AccessRequest, record?: Precedents) =>
    bundle.policy.assess(request, NOW, record).outcome;

  test('is valid, and has policy alone let through what people always let through', () => {
    for (const who of ['ci/payments', 'bot/deployer']) {
      expect(outcome(before, asksFor(who))).toBe('approve');
      expect(outcome(after, asksFor(who))).toBe('permit');
    }
  });

  test('needs its clause: beside a policy that demands people, a new permit changes nothing', () => {
    expect(outcome(withoutClause, asksFor('ci/payments'))).toBe('approve');
  });

  const ENDED = onRecord({ asks: [askedBefore(asksFor('ci/payments'), { end: 'withdrawn' })] });
  const DENIED = onRecord({
    denials: [
      {
        id: 'denial-0001',
        reportedBy: 'service/tool-gateway',
        subject: 'ci/payments',
        resource: 'warehouse:payments',
        reasonCode: 'EGRESS_DENIED',
        deniedAtMs: NOW - HOUR,
      },
    ],
  });
  test.each<[string, AccessRequest, Precedents | undefined]>([
    ['another identity', asksFor('service/reconciliation'), undefined],
    ['a person', asksFor('person/ines'), undefined],
    ['a longer time than was seen', asksFor('ci/payments', { durationMs: 31 * MINUTE }), undefined],
    ['someone who asks for it', asksFor('ci/payments', { requester: 'person/ines' }), undefined],
    ['what was asked before in vain', asksFor('ci/payments'), ENDED],
    ['what a machine has denied', asksFor('ci/payments'), DENIED],
  ])('leaves to people: %s', (_, request, record) => {
    expect(outcome(before, request, record)).toBe('approve');
    expect(outcome(after, request, record)).toBe('approve');
  });

  test('leaves other entitlements alone', () => {
    const admin = asks('ci/payments', 'warehouse:payments#admin', {
      ticket: 'OPS-1',
      durationMs: 30 * MINUTE,
    });
    expect(outcome(after, admin)).toBe(outcome(before, admin));
  });

  const decidedThen = (request: AccessRequest, record?: Precedents) => ({
    request,
    assessment: before.policy.assess(request, NOW, record),
  });

  test('its preview tells of the requests that people would not have been asked about, and of no others', () => {
    const seen = decidedThen(asksFor('ci/payments', { id: 'seen-0001' }));
    const others = [
      decidedThen(asksFor('person/ines', { id: 'other-0001' })),
      decidedThen(asksFor('ci/payments', { id: 'other-0002', durationMs: HOUR })),
      decidedThen(asksFor('ci/payments', { id: 'other-0003' }), ENDED),
      decidedThen(asksFor('ci/payments', { id: 'other-0004' }), DENIED),
    ];
    expect(preview(after.policy, [...others, seen])).toEqual([
      {
        request: 'seen-0001',
        about: `${WRITE} for ci/payments, asked by ci/payments`,
        before: 'approve; owner: 1 of person/mira, person/tomas by key; 4h at most',
        after: 'permit; 30d at most',
      },
    ]);
  });

  test('comes out of the report as it went in, and names no policy that the bundle does not have', async () => {
    const proposal = proposedChange();
    const report = { findings: [{ subject: 'a path' }, { subject: 'write', change: proposal }], more: 1 };
    const { preview: _how, ...policies } = proposal;
    expect(proposedIn(JSON.parse(JSON.stringify(report)))).toEqual([{ subject: 'write', change: policies }]);
    expect(proposedIn({ findings: 'none' })).toBeUndefined();
    const files = new Map([['a.cedar', '@id("other") // no; end\npermit (principal, action, resource);']]);
    expect(withChange(files, proposal)).toMatchObject({
      ok: false,
      problems: [{ message: expect.stringMatching(/no policy production-write/) }],
    });
    const exempt = { policies: ['other'], clause: 'unless { false }' };
    expect(withChange(files, { add: 'NEW', exempt })).toEqual({
      ok: true,
      files: new Map([
        ['a.cedar', '@id("other") // no; end\npermit (principal, action, resource)\nunless { false };'],
        ['proposal.cedar', 'NEW\n'],
      ]),
    });
  });
});
