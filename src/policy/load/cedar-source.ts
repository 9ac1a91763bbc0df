/** One policy of a Cedar file, with its position for messages. */
export interface PolicyText {
  readonly file: string;
  readonly text: string;
  /** Line in the file on which the policy begins. */
  readonly firstLine: number;
}

const TOKEN = /(?<blank>\s+|\/\/[^\n]*)|(?<end>;)|"(?:\\[\s\S]|[^"\\])*"|[^\s;"/]+|[\s\S]/g;

/**
 * Splits a Cedar file into its policies. Each ends with a semicolon, which appears elsewhere only in strings and
 * comments. Text after the last one is returned too, so that the Cedar parser reports it.
 */
export function splitPolicies(file: string, source: string): readonly PolicyText[] {
  const policies: PolicyText[] = [];
  let start: number | undefined;
  for (const token of source.matchAll(TOKEN)) {
    if (start === undefined && token.groups?.['blank'] !== undefined) continue;
    start ??= token.index;
    if (token.groups?.['end'] === undefined) continue;
    policies.push(policyText(file, source, start, token.index + 1));
    start = undefined;
  }
  if (start !== undefined) policies.push(policyText(file, source, start, source.length));
  return policies;
}

function policyText(file: string, source: string, start: number, end: number): PolicyText {
  return { file, text: source.slice(start, end), firstLine: lineAtIndex(source, start) };
}

/** Returns the line, in its file, of a position in a policy's text. */
export function lineInPolicy(policy: PolicyText, index: number): number {
  return policy.firstLine + lineAtIndex(policy.text, Math.max(0, index)) - 1;
}

/** Cedar counts in bytes of UTF-8, JavaScript in UTF-16 units. */
export function indexOfByte(source: string, byteOffset: number): number {
  return Buffer.from(source, 'utf8').subarray(0, byteOffset).toString('utf8').length;
}

/** Returns the line of an index, counted from 1. */
export function lineAtIndex(source: string, index: number): number {
  return source.slice(0, index).split('\n').length;
}
