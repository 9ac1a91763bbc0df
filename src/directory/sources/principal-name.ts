import { isPrincipalId, type PrincipalId } from '../../domain/principal';

const LONGEST = 63;

/**
 * Returns the principal that a person of a source is, by their id there: `person/` and the id in small letters. Each byte (UTF-8) that no id of
 * ours can have becomes `_` and its two hexadecimal digits. So `Ada.L` is `person/ada.l`, and `ada@example.com` is
 * `person/ada_40example.com`. Returns undefined for an id that is empty or too long for that, and for one that does not begin with a letter or
 * digit of ASCII.
 */
export function principalOf(foreignId: string): PrincipalId | undefined {
  const small = foreignId.normalize('NFC').toLowerCase();
  const plain = small.replace(/[^a-z0-9._-]/gu, (character) =>
    [...Buffer.from(character, 'utf8')].map((byte) => `_${byte.toString(16).padStart(2, '0')}`).join(''),
  );
  if (plain.length > LONGEST) return undefined;
  const id = `person/${plain}`;
  return isPrincipalId(id) ? id : undefined;
}
