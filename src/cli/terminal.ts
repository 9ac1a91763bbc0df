import type { ReadStream, WriteStream } from 'node:tty';
import { styleText } from 'node:util';
import type { Environment } from '../contracts/settings';

/** What a stream can show. */
export interface Terminal {
  /** Characters in a line. Undefined if the stream is not a terminal, so that nothing is shortened in a file or a pipe. */
  readonly columns: number | undefined;
  readonly hasColour: boolean;
}

/** A file or a pipe. */
export const PLAIN: Terminal = { columns: undefined, hasColour: false };

interface Stream {
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** Tells what a stream can show: colour only on a terminal, and only if NO_COLOR is not set (https://no-color.org). */
export function terminalOf({ isTTY, columns }: Stream, env: Environment): Terminal {
  if (isTTY !== true) return PLAIN;
  return { columns, hasColour: !env['NO_COLOR'] && env['TERM'] !== 'dumb' };
}

export type Style = 'bold' | 'dim' | 'green' | 'red' | 'yellow' | 'cyan';

/** Colours a text if the terminal shows colour. Call it last: `printable` takes colour codes out. */
export function paint(style: Style, text: string, { hasColour }: Terminal): string {
  return hasColour ? styleText(style, text, { validateStream: false }) : text;
}

/** Asks a question and returns the answer in one line; empty if the person ends the input in place of an answer. */
export type AskQuestion = (question: string) => Promise<string>;

/** Returns a way to ask, or undefined unless a person sits at both ends. */
export function askOn(
  input: Pick<ReadStream, 'isTTY'> & NodeJS.ReadableStream,
  output: Pick<WriteStream, 'isTTY'> & NodeJS.WritableStream,
): AskQuestion | undefined {
  if (input.isTTY !== true || output.isTTY !== true) return undefined;
  return async (question) => {
    const { createInterface } = await import('node:readline');
    const lines = createInterface({ input, output });
    return new Promise((resolve) => {
      lines.once('close', () => resolve(''));
      lines.question(question, (answer) => {
        resolve(answer);
        lines.close();
      });
    });
  };
}
