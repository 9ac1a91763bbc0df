/** Characters of a quote, in a message of a few notices and in one of many. */
export const LONGEST_QUOTE = { ofFew: 1_000, ofMany: 300 } as const;
const LONGEST_NAME = 200;

/**
 * Makes others' words safe to quote in any medium: on one line, without control, direction or invisible characters, without
 * anything a mail client or chat would turn into a link, address or mention, and without quotation marks that could end the quote.
 */
export function quotable(text: string, longest: number = LONGEST_QUOTE.ofMany): string {
  const plain = withoutLinks(oneLine(text)).replace(/["“”„«»`]/g, "'");
  const shown = shortened(plain, longest);
  const left = [...plain].length - [...shown].length + 1;
  return shown === plain ? plain : `${shown} (${left} more characters)`;
}

/** Makes a name from a request safe to show: an id or an entitlement. It contains no spaces and no links. */
export function nameOf(text: string): string {
  return shortened(withoutLinks(oneLine(text)).replace(/[\s"`<>]/g, '_'), LONGEST_NAME);
}

/** Normalises to NFKC first, so that look-alikes of dots, colons and at signs become the real ones, which are escaped later. */
const oneLine = (text: string): string =>
  text
    .normalize('NFKC')
    .replace(/[\p{C}\p{Zl}\p{Zp}]+/gu, ' ')
    .replace(/\s+/g, ' ')
    .trim();

const withoutLinks = (text: string): string =>
  text
    .replace(/:(?=[/\\])/g, '[:]')
    .replace(/\b(mailto|tel|sms|javascript|data|file|slack|mattermost):/gi, '$1[:]')
    .replace(/\\(?=\\)/g, '[\\]')
    .replace(/(?<=[\p{L}\p{N}_-])[.\u3002](?=[\p{L}_-]{2})/gu, '[.]')
    .replace(/@/g, '(at)');

function shortened(text: string, longest: number): string {
  const letters = [...text];
  return letters.length <= longest ? text : `${letters.slice(0, longest - 1).join('')}…`;
}
