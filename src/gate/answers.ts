import { visible } from './definitions';

/** The result of a call that the gate answers itself, by the Model Context Protocol. */
export interface GateAnswer {
  readonly isError: true;
  readonly content: readonly { readonly type: 'text'; readonly text: string }[];
  readonly _meta: Readonly<Record<string, unknown>>;
}

/** What a model, or the program that runs it, is told of a call that was not made. */
export interface NotMade {
  /** Stable, for programs. */
  readonly code: string;
  /** What happened, why, and what to do next, in sentences. */
  readonly text: string;
  readonly request?: string;
  readonly page?: string;
}

/**
 * Returns the answer to a call that was not made. It is an error of the tool, and not of the protocol, so that the model reads it. It
 * says in its first words that nothing was done.
 */
export const notMade = (about: NotMade): GateAnswer => answerOf(about);

/** Returns the answer to a call that was made, and whose own answer is longer than the catalog lets through. */
export const tooLong = (bytes: number, most: number): GateAnswer =>
  answerOf({
    code: 'RESULT_TOO_LONG',
    text: `The call was made, but its answer has ${bytes} bytes and ${most} may reach you. Do not repeat what changes something; ask for less of what you read.`,
  });

function answerOf({ code, text, request, page }: NotMade): GateAnswer {
  const more = { ...(request !== undefined && { request }), ...(page !== undefined && { page }) };
  return {
    isError: true,
    content: [{ type: 'text', text: `${code}: ${visible(text)}` }],
    _meta: { 'io.countersign/answer': { code, ...more } },
  };
}

/** The ledger cannot be read, and what it last said is too old. */
export const LEDGER_AWAY: NotMade = {
  code: 'NOT_NOW',
  text: 'The call was not made, because the record of earlier requests cannot be read. Call again later.',
};

/** The call is none that could be decided. */
export const malformed = (why: string): NotMade => ({
  code: 'MALFORMED_REQUEST',
  text: `The call was not made: ${why}.`,
});

/** The catalog does not map the tool. */
export const notOffered = (tool: string): NotMade => ({
  code: 'TOOL_NOT_OFFERED',
  text: `The call was not made: there is no tool ${JSON.stringify(tool.slice(0, 64))} here. List the tools to see what there is.`,
});

/** The tool is not the one that somebody has looked at. */
export const held = (tool: string, code: string, why: string): NotMade => ({
  code,
  text: `The call was not made: ${tool} is held, because ${why}. Until somebody has looked at it, work without this tool.`,
});
