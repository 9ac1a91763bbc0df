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
export function notMade({ code, text, request, page }: NotMade): GateAnswer {
  const more = { ...(request !== undefined && { request }), ...(page !== undefined && { page }) };
  return {
    isError: true,
    content: [{ type: 'text', text: `${code}: ${visible(text)}` }],
    _meta: { 'io.countersign/answer': { code, ...more } },
  };
}
