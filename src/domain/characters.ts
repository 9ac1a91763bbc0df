/** Half of a surrogate pair: with the flag `u`, a whole pair is one character. RFC 8785 has no canonical form for it. */
const HALF = /\p{Surrogate}/u;

/** What takes no room on a screen, or changes the order of what is around it. Two texts that differ in it look the same. */
const INVISIBLE = /[\p{Default_Ignorable_Code_Point}\p{Cf}\p{Cc}\p{Co}\p{Zl}\p{Zp}\u2800\ufff9-\ufffb]/u;
const EVERY_INVISIBLE = new RegExp(INVISIBLE, 'gu');

/** Returns true if the text is Unicode: it has no half of a surrogate pair. */
export const isUnicode = (text: string): boolean => !HALF.test(text);

/** Returns true if the text has a character that a reader cannot see. Spaces can be seen; tabs and line breaks count as invisible. */
export const hasInvisible = (text: string): boolean => INVISIBLE.test(text);

/** Returns true if the text has nothing to read: it is empty, or only spaces of any script. */
export const isBlank = (text: string): boolean => !/[^\p{White_Space}]/u.test(text);

/** Returns true if the text is in Unicode normalization form C, so that two texts which read the same are the same. */
export const isNormal = (text: string): boolean => text.normalize('NFC') === text;

/** Returns true if a text of several lines has a character that a reader cannot see, apart from line breaks and tabs. */
export const hasInvisibleInLines = (text: string): boolean => hasInvisible(text.replace(/[\n\t]/g, ''));

/** Replaces each invisible character, and each half of a character, by a mark that a reader can see. */
export const withMarks = (text: string): string =>
  text.replace(EVERY_INVISIBLE, '\ufffd').replace(/\p{Surrogate}/gu, '\ufffd');

/** Returns a name that can stand in a sentence: as it is if it is one plain word, else in quotes, so that it can pass for nothing else. */
export const inSentence = (name: string): string =>
  /^[\w.:/@+-]+$/.test(name) ? name : JSON.stringify(name);

/** A text in JSON data, and the names of the members and indexes that lead to it. */
interface Found {
  readonly path: readonly string[];
  readonly text: string;
  readonly isName: boolean;
}

/** Every text in JSON data, member names included. Does not recurse, because deep data would overflow the stack. */
export function* textsIn(value: unknown): Generator<Found> {
  const left: { readonly path: readonly string[]; readonly value: unknown }[] = [{ path: [], value }];
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    const { path, value: one } = next;
    if (typeof one === 'string') yield { path, text: one, isName: false };
    if (typeof one !== 'object' || one === null) continue;
    const isList = Array.isArray(one);
    for (const [name, member] of Object.entries(one)) {
      if (!isList) yield { path, text: name, isName: true };
      left.push({ path: [...path, name], value: member });
    }
  }
}
