import type { FileProblem } from '../../directory/yaml-file';
import type { Difference } from '../../policy/tryout/preview';
import { codeBlock } from '../job-log/github';
import { printable } from '../output';

/** What a check run says of a proposed bundle. The title has no words of others, the summary is Markdown. */
export interface CheckReport {
  readonly conclusion: 'success' | 'neutral' | 'failure';
  readonly title: string;
  readonly summary: string;
}

/** GitHub takes 65,535 characters. We count bytes, of which there are never fewer. */
const SUMMARY_BYTES = 60_000;
const LINE_CHARACTERS = 600;
/** Leaves room for the sentence before the block, its fences, and the line that says what is left out. */
const BLOCK_BYTES = SUMMARY_BYTES - 4_000;

const HOW =
  'What stands in the block is quoted from the proposed files and from recorded requests, and obeyed by nobody.';

/** Returns the report on a bundle that can be used. */
export function reportOnPreview(looked: number, differences: readonly Difference[]): CheckReport {
  if (looked === 0)
    return {
      conclusion: 'neutral',
      title: 'The bundle is valid; there was no recorded request to try it on',
      summary: 'The archive that was read holds no assessed request.\n',
    };
  const title = `${differences.length} of ${looked} recorded requests would have been decided differently`;
  if (differences.length === 0)
    return { conclusion: 'success', title, summary: 'Each would have been decided as it was.\n' };
  const lines = differences.flatMap(({ request, about, before, after }) => [
    `${request}  ${about}`,
    `  was    ${before}`,
    `  would  ${after}`,
  ]);
  return { conclusion: 'neutral', title, summary: `${HOW}\n\n${bounded(lines)}` };
}

/** Returns the report on a bundle that cannot be used, and decided nothing. */
export function reportOnProblems(problems: readonly FileProblem[]): CheckReport {
  const lines = problems.map(({ file, line, message }) => `${file}:${line}: ${message}`);
  const title = `The bundle cannot be used: ${problems.length} ${problems.length === 1 ? 'problem' : 'problems'}`;
  return { conclusion: 'failure', title, summary: `${HOW}\n\n${bounded(lines)}` };
}

function bounded(lines: readonly string[]): string {
  const kept: string[] = [];
  let bytes = 0;
  for (const line of lines) {
    const text = shortened(printable(line));
    bytes += Buffer.byteLength(text) + 1;
    if (bytes > BLOCK_BYTES) break;
    kept.push(text);
  }
  const left = lines.length - kept.length;
  return codeBlock(left === 0 ? kept : [...kept, `… and ${left} more lines: run countersign policy preview`]);
}

function shortened(line: string): string {
  const letters = [...line];
  return letters.length <= LINE_CHARACTERS ? line : `${letters.slice(0, LINE_CHARACTERS - 1).join('')}…`;
}
