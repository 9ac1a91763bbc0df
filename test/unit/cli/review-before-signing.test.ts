import { PassThrough } from 'node:stream';
import { consentTo, sayDraft } from '../../../src/cli/consent';
import { type Context, createContext } from '../../../src/cli/context';
import { sayMoment } from '../../../src/cli/moment';
import { renderReview } from '../../../src/cli/render';
import { askOn } from '../../../src/cli/terminal';
import { requestViewSchema } from '../../../src/contracts/snapshot';
import { requestDigest } from '../../../src/domain/digest';
import { VERBS } from '../../../src/domain/statement';
import { sampleRequest } from '../../support/keyring';

const request = sampleRequest({
  kind: 'execution',
  reason: 'repair the ledger',
  ticket: 'OPS-1',
  onBehalfOf: ['person/ines'],
  parameters: { tool: 'migrate', toolVersion: '2', target: 'warehouse/payments', arguments: { id: 42 } },
  containment: 'stop the release',
});
const digest = requestDigest(request);
const precedent = { kind: 'hard-stop', id: 'request-0000', about: 'network:egress-policy#disable', atMs: 0 };
const view = requestViewSchema.parse({
  status: 'awaiting_approval',
  submission: { request },
  assessment: {
    outcome: 'approve',
    reasonCodes: ['APPROVAL_NEEDED'],
    explanation: 'needs approval by the path production-change',
    precedents: [{ ...precedent, requester: 'agent/atlas', beneficiary: 'ci/payments' }],
    flags: ['says that somebody agreed'],
    path: {
      name: 'production-change',
      stages: [{ name: 'owner', eligible: ['person/a', 'person/b'], quorum: 2 }],
    },
    ...{ determiningPolicies: [], policyDigest: '', directoryDigest: '', assessedAtMs: 0 },
  },
  ...{ revision: 0, openStage: 'owner', awaiting: ['person/b'], reroutes: [], refusals: [], refusalCount: 0 },
  approvals: [{ by: 'person/a', stage: 'owner', jti: 'j', expiresAtMs: 1 }],
  review: { phase: 'none' },
});

describe('WEB-5, AGE-5 whoever signs at a terminal reads what they sign first', () => {
  test('who, what, until when, on whose behalf, why, what to look at, what went before and whose, the exact action', () => {
    expect(renderReview(request, digest, view, 0)).toEqual([
      `${request.id}  awaiting_approval`,
      expect.stringMatching(/^ {2}\S+ for \S+, \d+[smh]/),
      `  asked by ${request.requester}: repair the ledger`,
      '  on behalf of person/ines',
      '  ticket OPS-1',
      '  runs once: migrate (version 2) on warehouse/payments with {"id":42}',
      '  to contain it: stop the release',
      '  to roll it back: nothing was said',
      `  ${digest}`,
      expect.stringContaining('policy says approve'),
      '  before: hard-stop of network:egress-policy#disable at 1970-01-01T00:00:00.000Z, asked by agent/atlas for ci/payments (request-0000)',
      '  look closer: says that somebody agreed',
      '  approved by person/a (owner)',
      '  needs 2, has 1, missing: person/b (owner)',
    ]);
  });

  test('what no worker answered for is still read from the submission itself', () => {
    const lines = renderReview(request, digest, undefined, 0);
    expect(lines[0]).toBe(request.id);
    expect(lines).toContain(`  ${digest}`);
  });

  test('the line before the signature says all that the statement will claim', () => {
    const about = { request: request.id, digest, revision: 0 };
    const replacement = { replace: 'person/a', with: 'person/c', untilMs: 0 };
    expect(sayDraft({ ...about, verb: 'reroute', replacement, reasonCode: 'absent', ticket: 'T-1' })).toBe(
      `reroute, person/a → person/c until ${sayMoment(0)}, absent, ticket T-1`,
    );
  });
});

describe('WEB-5, TTA-2 nothing is signed that nobody said yes to', () => {
  const contextThat = async (answer?: string): Promise<Context> => {
    const ask = answer === undefined ? undefined : async () => answer;
    return createContext({ XDG_CONFIG_HOME: '/nowhere', TEMPORAL_ADDRESS: '127.0.0.1:1' }, undefined, ask);
  };

  test.each(['y', 'Y', 'yes', ' yes '])('%j is a yes', async (answer) => {
    await expect(consentTo('approve', {}, await contextThat(answer))()).resolves.toBeUndefined();
  });

  test.each(['', 'n', 'no', 'yep', 'approve', 'y\nn'])('%j is none', async (answer) => {
    await expect(consentTo('approve', {}, await contextThat(answer))()).rejects.toMatchObject({
      code: 'NOT_CONFIRMED',
      exitCode: 1,
    });
  });

  test('without a terminal it is refused before anything is connected, and says what to do; --yes is for scripts', async () => {
    const script = await contextThat();
    for (const verb of ['approve', 'confirm', 'reroute', 'endorse', 'review'] as const) {
      expect(() => consentTo(verb, {}, script)).toThrow(/nothing was signed.*request show.*--yes/);
      await expect(consentTo(verb, { yes: true }, script)()).resolves.toBeUndefined();
    }
  });

  test('EMG-2 what only takes something away needs no terminal', async () => {
    const script = await contextThat();
    const free = VERBS.filter((verb) => {
      try {
        return consentTo(verb, {}, script) !== undefined;
      } catch {
        return false;
      }
    });
    expect(free.toSorted()).toEqual(['cancel', 'deny', 'report', 'revoke', 'withdraw']);
  });

  test('a question is asked only where a person sits at both ends, and its end is no answer', async () => {
    const terminal = () => Object.assign(new PassThrough(), { isTTY: true as const });
    const pipe = Object.assign(new PassThrough(), { isTTY: false as unknown as true });
    expect(askOn(pipe, terminal())).toBeUndefined();
    expect(askOn(terminal(), pipe)).toBeUndefined();
    const [input, output] = [terminal(), terminal()];
    const asked = askOn(input, output)?.('approve this? [y/N] ');
    input.write('yes\n');
    expect(await asked).toBe('yes');
    expect(String(output.read())).toContain('approve this? [y/N] ');
    const ended = askOn(input, output)?.('again? ');
    input.end();
    expect(await ended).toBe('');
  });
});
