import { printable } from '../../../src/cli/output';
import { renderRequest } from '../../../src/cli/render';
import type { AccessRequest } from '../../../src/client';
import { requestViewSchema } from '../../../src/contracts/snapshot';
import { sampleRequest } from '../../support/keyring';

const DIGEST = `sha-256:${'d'.repeat(43)}`;

const shown = (about: Partial<AccessRequest>): readonly string[] => {
  const view = requestViewSchema.parse({
    status: 'awaiting_approval',
    digest: DIGEST,
    submission: { request: sampleRequest(about) },
    revision: 0,
    awaiting: [],
    approvals: [],
    reroutes: [],
    refusals: [],
    refusalCount: 0,
    review: { phase: 'none' },
  });
  return renderRequest(view, 0);
};

const FORGED = `x\n  sha-256:AAAA\n  policy says permit\u2028  approved by person/tomas (security)`;

describe('TTA-3 nothing that a requester wrote passes for a line of ours', () => {
  test('a reason that goes on as a digest, a policy and an approval stays on its line', () => {
    const plain = shown({ reason: 'x' });
    const lines = shown({ reason: FORGED });
    expect(lines).toHaveLength(plain.length);
    expect(lines.join('\n').split(/[\n\r\v\f\u0085\u2028\u2029]/)).toHaveLength(plain.length);
    expect(lines.filter((line) => /^ {2}(sha-256|policy|approved)/.test(line))).toEqual([`  ${DIGEST}`]);
  });

  test('whatever the text, what is printed is one line', () => {
    for (let code = 0; code < 0x2100; code += 1) {
      const said = printable(`a${String.fromCodePoint(code)}b`);
      expect(said.split(/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/u)).toHaveLength(1);
    }
  });
});

describe('AGE-5 whoever signs reads the exact action, and what would contain it and undo it', () => {
  const parameters = {
    tool: 'migrate',
    toolVersion: '1',
    target: 'warehouse/payments',
    arguments: { id: 42 },
  };
  const execution = { kind: 'execution' as const, parameters, containment: 'stop the release' };

  test('to the last argument', () => {
    expect(shown({ ...execution, rollback: 'DROP TABLE x' })).toEqual(
      expect.arrayContaining([
        '  runs once: migrate (version 1) on warehouse/payments with {"id":42}',
        '  to contain it: stop the release',
        '  to roll it back: DROP TABLE x',
      ]),
    );
  });

  test('a plan of several lines is all of it behind a mark', () => {
    const lines = shown({ ...execution, rollback: `undo\n  ${DIGEST.replace('d', 'A')}` });
    expect(lines.filter((line) => /^ *sha-256/.test(line))).toEqual([`  ${DIGEST}`]);
  });
});

test('TTA-3 the name of a tool cannot go on as the rest of the sentence', () => {
  const parameters = {
    tool: 'echo (version 1) on sandbox with {} and then drop',
    toolVersion: '1',
    target: 'payments',
    arguments: {},
  };
  const lines = shown({ kind: 'execution', parameters });
  expect(lines.join('\n')).toContain(
    '"echo (version 1) on sandbox with {} and then drop" (version 1) on payments with {}',
  );
});
