/** Limits that keep a body from exhausting memory or the stack. */
export interface JsonLimits {
  readonly depth: number;
  readonly members: number;
}

const JSON_LIMITS: JsonLimits = { depth: 24, members: 4_000 };

export type ParsedJson =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly message: string };

/**
 * Parses JSON (RFC 8259) and refuses what two readers could read differently (RFC 7493): repeated member names, lone surrogates,
 * and numbers that a double cannot hold exactly. `JSON.parse` keeps the last of two equal members and another reader may keep
 * the first, so a request could be approved as one thing and carried out as another.
 */
export function parseStrictJson(text: string, limits: JsonLimits = JSON_LIMITS): ParsedJson {
  try {
    const value: unknown = JSON.parse(text);
    new StructureCheck(text, limits).run();
    return { ok: true, value };
  } catch (error) {
    if (error instanceof NotStrict) return { ok: false, message: error.message };
    return { ok: false, message: 'the body is not valid JSON' };
  }
}

class NotStrict extends Error {}

/** Matches half of a surrogate pair only: with the flag `u`, a whole pair is one character. */
const LONE_SURROGATE = /[\ud800-\udfff]/u;

const BRACE = 0x7b;
const BRACE_END = 0x7d;
const BRACKET = 0x5b;
const BRACKET_END = 0x5d;
const COMMA = 0x2c;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const MINUS = 0x2d;

/** Goes once over text that `JSON.parse` has accepted, and finds what is forbidden in addition. */
class StructureCheck {
  readonly #open: (Set<string> | undefined)[] = [];
  #members = 0;
  #expectName = false;
  #at = 0;

  constructor(
    private readonly text: string,
    private readonly limits: JsonLimits,
  ) {}

  run(): void {
    const { text } = this;
    for (this.#at = 0; this.#at < text.length; this.#at += 1) {
      const code = text.charCodeAt(this.#at);
      if (code === QUOTE) this.#string();
      else if (code === BRACE) this.#enter(new Set());
      else if (code === BRACKET) this.#enter(undefined);
      else if (code === BRACE_END || code === BRACKET_END) this.#open.pop();
      else if (code === COMMA) {
        this.#expectName = this.#open.at(-1) !== undefined;
        this.#count();
      } else if (code === MINUS || (code >= 0x30 && code <= 0x39)) this.#number();
    }
  }

  #enter(names: Set<string> | undefined): void {
    if (this.#open.length >= this.limits.depth)
      throw new NotStrict(`the body is nested more than ${this.limits.depth} levels deep`);
    this.#open.push(names);
    this.#expectName = names !== undefined;
    this.#count();
  }

  #count(): void {
    this.#members += 1;
    if (this.#members > this.limits.members)
      throw new NotStrict(`the body has more than ${this.limits.members} members`);
  }

  #string(): void {
    const { text } = this;
    const start = this.#at;
    let end = start + 1;
    for (; text.charCodeAt(end) !== QUOTE; end += 1) if (text.charCodeAt(end) === BACKSLASH) end += 1;
    this.#at = end;
    const raw = text.slice(start + 1, end);
    const value = raw.includes('\\') ? String(JSON.parse(text.slice(start, end + 1))) : raw;
    if (LONE_SURROGATE.test(value)) throw new NotStrict('the body has a string that is not Unicode');
    if (!this.#expectName) return;
    this.#expectName = false;
    const names = this.#open.at(-1);
    if (names?.has(value))
      throw new NotStrict(`the body has the member ${JSON.stringify(value.slice(0, 64))} twice`);
    if (value === '__proto__') throw new NotStrict('a member may not be named __proto__');
    names?.add(value);
  }

  #number(): void {
    const [token = ''] = /^[-+.eE0-9]+/.exec(this.text.slice(this.#at, this.#at + 400)) ?? [];
    if (token.length > 64 || !isHeldByDouble(token))
      throw new NotStrict('the body has a number that a double cannot hold; send it as a string');
    this.#at += token.length - 1;
  }
}

/**
 * Returns true if every reader reads this number alike (RFC 7493 section 2.2): a double prints back as it was written, and no
 * other integer rounds to it. Otherwise two different numbers would have the same digest.
 */
function isHeldByDouble(token: string): boolean {
  const value = Number(token);
  if (!Number.isFinite(value)) return false;
  if (/^-?\d+$/.test(token) && !Number.isSafeInteger(value)) return false;
  return decimalOf(token) === decimalOf(String(value));
}

/** Normalises a decimal number to significant digits and a power of ten. */
function decimalOf(token: string): string {
  const [, sign = '', whole = '', fraction = '', power = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([-+]?\d+))?$/.exec(token) ?? [];
  const digits = `${whole}${fraction}`.replace(/^0+/, '');
  const significant = digits.replace(/0+$/, '');
  if (significant === '') return '0';
  return `${sign}${significant}e${Number(power) - fraction.length + digits.length - significant.length}`;
}
