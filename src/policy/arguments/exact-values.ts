import { BlockList, isIPv4, isIPv6 } from 'node:net';

/** The text that Cedar's constructor of a type takes, or in words what a value has to be. */
type Exact = { readonly ok: true; readonly text: string } | { readonly ok: false; readonly expected: string };

const exactly = (text: string): Exact => ({ ok: true, text });
const expected = (what: string): Exact => ({ ok: false, expected: what });

/** A Cedar decimal is a 64-bit number of ten-thousandths. */
const MOST_TEN_THOUSANDTHS = 2n ** 63n - 1n;

/** A number, or the same number as text. Another way to write it ("007", "1e3", "+1", "-0") is refused: another reader may read it as another. */
export function exactDecimal(value: number | string): Exact {
  const [, sign = '', whole, fraction = '0'] =
    /^(-?)(0|[1-9]\d{0,14})(?:\.(\d{1,4}))?$/.exec(String(value)) ?? [];
  if (whole === undefined) return expected('a decimal number with at most four digits after the point');
  const tenThousandths = BigInt(whole + fraction.padEnd(4, '0'));
  if (tenThousandths > MOST_TEN_THOUSANDTHS) return expected('a decimal number that Cedar can hold');
  if (sign !== '' && tenThousandths === 0n) return expected('a decimal number without a sign before zero');
  return exactly(`${sign}${whole}.${fraction}`);
}

const IPV4_IN_IPV6 = new BlockList();
IPV4_IN_IPV6.addSubnet('::ffff:0:0', 96, 'ipv6');

/** An address or a network. An IPv4 address in the clothes of an IPv6 address is refused, because it is the same host by another name. */
export function exactAddress(value: string): Exact {
  const what = 'an IP address, or a network such as 10.0.0.0/8';
  const [, address = '', , bits] = /^([0-9A-Fa-f:.]{2,45})(\/(0|[1-9]\d{0,2}))?$/.exec(value) ?? [];
  const isFour = isIPv4(address);
  if (!isFour && (!isIPv6(address) || address.includes('.'))) return expected(what);
  if (!isFour && IPV4_IN_IPV6.check(address, 'ipv6')) return expected(`${what}, IPv4 written as IPv4`);
  if (bits !== undefined && Number(bits) > (isFour ? 32 : 128)) return expected(what);
  return exactly(value);
}

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?(Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/;

/** An instant by RFC 3339, with its offset. A date alone, and a time without an offset, are different instants in different places. */
export function exactInstant(value: string): Exact {
  const what = 'a time with its offset, such as 2026-03-01T09:30:00+01:00, to the millisecond';
  const [, , offset] = INSTANT.exec(value) ?? [];
  if (offset === undefined || offset === '-00:00') return expected(what);
  const local = value.slice(0, 19);
  // Date.parse accepts 30 February and 24:00:00, and moves them to the next day.
  if (momentOf(`${local}Z`)?.slice(0, 19) !== local) return expected(what);
  const moment = momentOf(value);
  return moment?.length === 'YYYY-MM-DDThh:mm:ss.SSSZ'.length ? exactly(moment) : expected(what);
}

function momentOf(text: string): string | undefined {
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? undefined : new Date(ms).toISOString();
}

const CEDAR_DURATION = /^(-?)(?:(\d{1,9})d)?(?:(\d{1,9})h)?(?:(\d{1,9})m)?(?:(\d{1,9})s)?(?:(\d{1,9})ms)?$/;
const ISO_DURATION = /^(-?)P(?:(\d{1,9})D)?(?:T(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9})S)?)?$/;

/** A length of time, as Cedar writes it (1h30m) or as ISO 8601 does (PT1H30M). Months and years have no length. */
export function exactDuration(value: string): Exact {
  const what = 'a length of time such as 1h30m or PT1H30M, in days and less';
  const [, sign = '', ...counts] = CEDAR_DURATION.exec(value) ?? ISO_DURATION.exec(value) ?? [];
  if (counts.every((count) => count === undefined) || value.endsWith('T')) return expected(what);
  const units = [86_400_000, 3_600_000, 60_000, 1_000, 1];
  const ms = counts.reduce((sum, count, index) => sum + Number(count ?? 0) * (units[index] ?? 0), 0);
  return Number.isSafeInteger(ms) ? exactly(`${ms === 0 ? '' : sign}${ms}ms`) : expected(what);
}
