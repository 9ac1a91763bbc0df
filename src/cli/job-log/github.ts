import { appendFileSync, statSync } from 'node:fs';
import type { Environment } from '../../contracts/settings';
import { printable } from '../output';

/**
 * Returns a line that a runner of GitHub Actions does not take for a command. It obeys `::name::` at the beginning of a line, and
 * `##[name]` anywhere in one (actions/runner, ActionCommand), so a comment could set an output of the step.
 */
export const withoutCommands = (line: string): string =>
  line.replaceAll('##[', '## [').replace(/^([^\S\n]*):(?=:)/gm, '$1: ');

/** GitHub shows a summary of at most 1 MiB for a step, and none at all if it is longer. */
const SUMMARY_BYTES = 1024 * 1024;

/** What a summary says: a heading and an address of our own, and lines in which others' words stand. */
export interface Summary {
  readonly heading: string;
  readonly page: string;
  readonly lines: readonly string[];
}

/**
 * Returns lines as one block of code in Markdown. Its fence is longer than any in the lines, so nothing in them becomes a link, an image,
 * a mention or HTML.
 */
export function codeBlock(lines: readonly string[]): string {
  const text = lines.map(printable).join('\n');
  const longest = [...text.matchAll(/`+/g)].reduce((most, [run]) => Math.max(most, run.length), 2);
  const fence = '`'.repeat(longest + 1);
  return `${fence}text\n${text}\n${fence}\n`;
}

/** Returns a step summary in Markdown. */
export const stepSummary = ({ heading, page, lines }: Summary): string =>
  `### ${heading}\n\n[Open the request](<${page}>)\n\n${codeBlock(lines)}`;

/** Adds to the summary of the step. Returns why it could not, or undefined if it did or if the job has none. */
export function addToStepSummary(summary: Summary, env: Environment): string | undefined {
  const file = env['GITHUB_STEP_SUMMARY'];
  if (file === undefined || file === '') return undefined;
  const text = stepSummary(summary);
  try {
    const { size } = statSync(file, { throwIfNoEntry: false }) ?? { size: 0 };
    if (size + Buffer.byteLength(text) > SUMMARY_BYTES) return 'the step summary is full';
    appendFileSync(file, text);
    return undefined;
  } catch {
    return 'the file that GITHUB_STEP_SUMMARY names cannot be written';
  }
}
