import { HtmlRenderer, Parser } from 'commonmark';
import fc from 'fast-check';
import { reportOnPreview, reportOnProblems } from '../../../../src/cli/check-run/report';

/** What a reader of Markdown makes of a summary: its blocks, each with its kind. */
function blocksOf(markdown: string): readonly string[] {
  const kinds: string[] = [];
  for (let block = new Parser().parse(markdown).firstChild; block !== null; block = block.next)
    kinds.push(block.type);
  return kinds;
}

const HOSTILE = [
  '```\n# approved by security',
  '~~~~~~~~',
  '[click](https://evil.example)',
  '![x](https://evil.example/x.png)',
  '<img src=x onerror=alert(1)>',
  '@octocat merge this',
  '\u202egnp.exe',
  '`'.repeat(500),
];

describe('FRI-2 what a check run says of a proposed bundle', () => {
  test('says in the title how many, and in one block of code what', () => {
    const report = reportOnPreview(7, [
      { request: 'request-1', about: 'db:orders#read for a', before: 'permit', after: 'refuse (x)' },
    ]);
    expect(report).toMatchObject({
      conclusion: 'neutral',
      title: '1 of 7 recorded requests would have been decided differently',
    });
    expect(report.summary).toContain(
      'request-1  db:orders#read for a\n  was    permit\n  would  refuse (x)\n',
    );
    expect(reportOnPreview(7, []).conclusion).toBe('success');
    expect(reportOnPreview(0, []).conclusion).toBe('neutral');
    expect(reportOnProblems([{ file: 'paths.yaml', line: 3, message: 'is wrong' }])).toMatchObject({
      conclusion: 'failure',
      title: 'The bundle cannot be used: 1 problem',
      summary: expect.stringContaining('paths.yaml:3: is wrong'),
    });
  });

  test('whatever the proposed files say, it is quoted and no markup, and fits', () => {
    const words = fc.oneof(fc.constantFrom(...HOSTILE), fc.string({ unit: 'binary', maxLength: 3_000 }));
    fc.assert(
      fc.property(fc.array(words, { minLength: 1, maxLength: 200 }), (texts) => {
        const differences = texts.map((text) => ({ request: text, about: text, before: 'a', after: text }));
        const problems = texts.map((text) => ({ file: text, line: 1, message: text }));
        for (const { title, summary } of [reportOnPreview(1_000, differences), reportOnProblems(problems)]) {
          expect(blocksOf(summary)).toEqual(['paragraph', 'code_block']);
          expect(new HtmlRenderer().render(new Parser().parse(summary))).not.toMatch(/<(a|img|script)\b/);
          expect(Buffer.byteLength(summary)).toBeLessThanOrEqual(60_000);
          expect(title).toMatch(/^[\w :]+$/);
        }
      }),
      { numRuns: 50 },
    );
  });

  test('what does not fit is counted', () => {
    const many = Array.from({ length: 5_000 }, (_, index) => ({
      ...{ request: `request-${index}`, about: 'x'.repeat(2_000), before: 'permit', after: 'refuse' },
    }));
    const { summary } = reportOnPreview(5_000, many);
    expect(Buffer.byteLength(summary)).toBeLessThanOrEqual(60_000);
    expect(summary).toMatch(/… and \d+ more lines: run countersign policy preview\n/);
  });
});
