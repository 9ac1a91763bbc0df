import { isIPv6 } from 'node:net';

/**
 * What stands for one caller who has not shown who they are: an IPv4 address, or the first 64 bits of an IPv6 one, of which
 * everyone has as many addresses as they like.
 */
export function networkOf(address: string): string {
  const [plain = ''] = address.split('%');
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(plain);
  if (mapped?.[1] !== undefined) return mapped[1];
  if (!isIPv6(plain)) return address;
  const [head = '', tail] = plain.split('::');
  const words = (text: string): readonly string[] => (text === '' ? [] : text.split(':'));
  const left = words(head);
  const right = words(tail ?? '');
  // A dotted end is two words long.
  const length = left.length + right.length + (plain.includes('.') ? 1 : 0);
  const zeros = tail === undefined ? [] : Array.from({ length: 8 - length }, () => '0');
  const prefix = [...left, ...zeros, ...right]
    .slice(0, 4)
    .map((word) => Number.parseInt(word, 16).toString(16));
  return `${prefix.join(':')}::/64`;
}
