import { hasInvisible } from '../../domain/characters';
import type { PrincipalId } from '../../domain/principal';

/** Returns true for what a reader does not see, or what changes the order in which others are read. Line feeds are neither. */
const isUnseen = (letter: string): boolean =>
  letter !== '\n' && (hasInvisible(letter) || /\p{C}/u.test(letter));

/** Returns a text in pieces: what a reader sees as it is, and each unseen character as its code point. */
export function piecesOf(text: string): readonly { readonly text: string; readonly unseen: boolean }[] {
  const pieces: { text: string; unseen: boolean }[] = [];
  for (const letter of text) {
    const unseen = isUnseen(letter);
    const last = pieces.at(-1);
    if (unseen || last === undefined || last.unseen)
      pieces.push({ text: unseen ? codeOf(letter) : letter, unseen });
    else last.text += letter;
  }
  return pieces;
}

const codeOf = (letter: string): string =>
  `U+${(letter.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;

/** A text that somebody else wrote. It stands apart from ours, in its own direction, and hides nothing. */
export const Words = ({ text }: { readonly text: string }) => (
  <bdi class="words">
    {piecesOf(text).map(({ text: piece, unseen }) => (unseen ? <span class="unseen">{piece}</span> : piece))}
  </bdi>
);

/** A principal by its id, the only name that is proved. */
export function Who({ id }: { readonly id: PrincipalId }) {
  const slash = id.indexOf('/') + 1;
  return (
    <span class="who">
      <span class="kind">{id.slice(0, slash)}</span>
      {id.slice(slash)}
    </span>
  );
}

/** Several principals in one line. */
export const Whom = ({
  ids,
  none = 'nobody',
}: {
  readonly ids: readonly PrincipalId[];
  readonly none?: string;
}) =>
  ids.length === 0 ? (
    <span class="muted">{none}</span>
  ) : (
    <span class="whom">
      {ids.map((id) => (
        <Who id={id} />
      ))}
    </span>
  );

/** A moment. The script of the pages says it in the reader's own zone, and how far away it is. */
export function When({ atMs }: { readonly atMs: number }) {
  const iso = new Date(atMs).toISOString();
  return <time datetime={iso}>{`${iso.slice(0, 16).replace('T', ' ')} UTC`}</time>;
}

/** A digest, in full for who compares it. */
export const Digest = ({ value }: { readonly value: string }) => <code class="digest">{value}</code>;
