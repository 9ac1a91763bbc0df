const LONGEST_QUOTE = 300;
const LONGEST_NAME = 200;

/**
 * Words of others as they may stand between quotation marks in any medium: on one line, without control, direction or
 * invisible characters, with no link, address or mention that a mail client or a chat would make of them, and with no
 * quotation mark by which they could end where they do not.
 */
export function quotable(text: string): string {
  const plain = withoutLinks(oneLine(text)).replace(/["“”„«»`]/g, "'");
  return shortened(plain, LONGEST_QUOTE);
}

/** A name out of a request: an id, an entitlement. It has no spaces to pretend with, and links to nothing. */
export function nameOf(text: string): string {
  return shortened(withoutLinks(oneLine(text)).replace(/[\s"`<>]/g, '_'), LONGEST_NAME);
}

/** NFKC first, so that no look-alike of a dot, a colon or an at sign is left for what comes after. */
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
