import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { HtmlRenderer, Parser } from 'commonmark';
import { array, assert, constantFrom, oneof, property, string } from 'fast-check';
import { harmlessIn, jobLogOf } from '../../../../src/cli/job-log';
import { addToStepSummary, stepSummary, withoutCommands } from '../../../../src/cli/job-log/github';
import { section } from '../../../../src/cli/job-log/gitlab';

/** Words as somebody would write them who wants the log to do something. */
const HOSTILE = [
  '```',
  '````````',
  '~~~',
  '\n',
  '\r\n',
  '</code></pre>',
  '<img src=https://evil.example/x>',
  '[click](https://evil.example)',
  '![x](https://evil.example/x)',
  '@everyone',
  '<!--',
  '# heading',
  '    ',
  '| a | b |',
  '$$x$$',
  '::error::',
  '::set-output name=x::y',
  '##[set-output name=x]y',
  '##[',
  '\u001b[0K',
  'section_end:1:countersign',
  '\u001b[0Ksection_end:1:countersign\r\u001b[0K',
  'section_start:1:other[collapsed=true]',
  '\u2028',
];
const words = array(oneof(constantFrom(...HOSTILE), string()), { maxLength: 8 }).map((all) => all.join(''));
const ABOUT = { heading: 'Countersign: approved', page: 'https://gateway.example/requests/request-0001' };

/** What a summary is to a reader of Markdown: its blocks, each with its kind. */
function blocksOf(markdown: string): readonly string[] {
  const kinds: string[] = [];
  for (let block = new Parser().parse(markdown).firstChild; block !== null; block = block.next)
    kinds.push(block.type);
  return kinds;
}

describe('FRI-2 others’ words in the log of a job are only words', () => {
  test('a step summary is a heading, a link and one block of code, whatever is in it', () => {
    const made = property(array(words, { maxLength: 5 }), (lines) => {
      const summary = stepSummary({ ...ABOUT, lines });
      expect(blocksOf(summary)).toEqual(['heading', 'paragraph', 'code_block']);
      const html = new HtmlRenderer().render(new Parser().parse(summary));
      expect(html.match(/<a /g)).toHaveLength(1);
      expect(html).not.toMatch(/<img/);
    });
    assert(made, { numRuns: 2_000 });
  });

  /** As the runner reads a line (actions/runner, src/Runner.Common/ActionCommand.cs), for commands of any name. */
  const isCommand = (line: string): boolean => /^\s*::.*::/.test(line) || /##\[.*\]/.test(line);

  test('a runner of GitHub obeys no line', () => {
    expect(isCommand('they wrote "##[set-output name=x]y"')).toBe(true);
    assert(
      property(words, (text) => text.split(/\r?\n/).every((line) => !isCommand(withoutCommands(line)))),
      { numRuns: 2_000 },
    );
  });

  test('only the log of GitHub is changed', () => {
    expect(harmlessIn(jobLogOf({ GITHUB_ACTIONS: 'true' }), '##[error]x')).toBe('## [error]x');
    expect(harmlessIn(jobLogOf({ GITLAB_CI: 'true' }), '##[error]x')).toBe('##[error]x');
    expect(harmlessIn(jobLogOf({}), '##[error]x')).toBe('##[error]x');
  });

  /** A marker as GitLab reads it (lib/gitlab/regex.rb, logs_section_prefix_regex and what follows it). */
  // biome-ignore lint/suspicious/noControlCharactersInRegex: GitLab's markers are made of them.
  const MARKER = /section_(start|end):(\d+):([a-zA-Z0-9_.-]+)(\[\w+=\w+(?:, ?\w+=\w+)*\])?\r\u001b\[0K/g;

  test('a section of GitLab begins once and ends once, around all lines', () => {
    const made = property(words, array(words, { maxLength: 5 }), (header, lines) => {
      const whole = section(header, lines, 1_700_000_000_000).join('\n');
      const markers = [...whole.matchAll(MARKER)];
      expect(markers.map(([, kind, at, name]) => [kind, at, name])).toEqual([
        ['start', '1700000000', 'countersign'],
        ['end', '1700000000', 'countersign'],
      ]);
      expect(whole.endsWith(markers[1]?.[0] ?? 'none')).toBe(true);
    });
    assert(made, { numRuns: 2_000 });
  });
});

describe('FRI-2 a summary that cannot be written fails nothing', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'countersign-summary-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));
  const summary = { ...ABOUT, lines: ['x'] };

  test('it is added to what earlier steps wrote, up to what GitHub shows', () => {
    const file = path.join(folder, 'summary.md');
    writeFileSync(file, 'earlier\n');
    expect(addToStepSummary(summary, { GITHUB_STEP_SUMMARY: file })).toBeUndefined();
    expect(readFileSync(file, 'utf8')).toBe(`earlier\n${stepSummary(summary)}`);
    writeFileSync(file, 'x'.repeat(1024 * 1024));
    expect(addToStepSummary(summary, { GITHUB_STEP_SUMMARY: file })).toBe('the step summary is full');
    expect(addToStepSummary(summary, {})).toBeUndefined();
    expect(addToStepSummary(summary, { GITHUB_STEP_SUMMARY: folder })).toMatch(/cannot be written/);
  });
});
