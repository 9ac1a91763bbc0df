import path from 'node:path';
import { readEvidenceFile } from '../../../src/audit/evidence/file';
import { describeEvidence } from '../../../src/audit/report/describe-events';
import { answer } from '../../../src/audit/report/report';
import { tableObjects } from '../../../src/audit/report/table';
import { missingFrom, sayOpen } from '../../../src/cli/audit/report';

const KEPT = path.resolve(__dirname, '../../replay/evidence');
const ALL = { fromMs: 0, toMs: 8_640_000_000_000_000 };

async function kept(name: string) {
  const read = await readEvidenceFile(path.join(KEPT, `${name}.json`));
  if (!read.ok) throw new Error(read.message);
  return read.evidence;
}

describe('AUD-2 denials by people are a question of the report', () => {
  test('who denied what for whom, when and why', async () => {
    const table = answer('denials', [await kept('hostile')], ALL, 0);
    expect(tableObjects(table)).toEqual([
      expect.objectContaining({
        by: 'person/mira',
        comment: 'too many strange messages',
        what: 'warehouse:payments#write',
        'asked by': 'ci/payments',
      }),
    ]);
  });

  test('one of an earlier version that gave no reason is there without one', async () => {
    const [denied] = tableObjects(answer('denials', [await kept('denied')], ALL, 0));
    expect(denied).toMatchObject({ by: expect.stringMatching(/^person\//), reason: '', comment: '' });
  });

  test('what was approved, cancelled or withdrawn is no denial', async () => {
    const others = await Promise.all(['single-approver', 'cancelled', 'withdrawn'].map(kept));
    expect(answer('denials', others, ALL, 0).rows).toEqual([]);
  });

  test('WEB-7 audit show says by which reason code and ticket something was signed', async () => {
    expect(describeEvidence(await kept('cancelled')).join('\n')).toMatch(
      /signed “cancel” .*, for the reason \S+/,
    );
  });
});

describe('AUD-2 what an archive cannot say of access that is alive is said', () => {
  const open = [
    { id: 'a', status: 'active' },
    { id: 'b', status: 'active' },
    { id: 'c', status: 'awaiting_approval' },
  ];

  test('how many open requests are not in it, and how many of those have access', () => {
    const found = missingFrom([{ request: 'b' }], open);
    expect(found).toEqual({ known: true, missing: 2, active: 1, isAll: true });
    expect(sayOpen(found)).toContain('2 open requests are not in it, 1 of them with access now');
  });

  test('and that nobody knows, if the server does not answer', () => {
    expect(sayOpen({ known: false, why: 'no server' })).toMatch(/could not be found out: no server$/);
  });
});
