import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import { z } from 'zod';
import type { EvidenceFile } from '../evidence/schema';
import { type Finding, finding } from './finding';
import { entriesOf, keyIdOf, partsOf } from './witness';

/*
 * Who let whom register a passkey, reckoned from the rows of the register themselves. It shares no code with what judged them. That
 * their signatures hold is another check.
 */

const ENROLLING = 'iam-operations';
const WEEK_S = 7 * 86_400;
const SKEW_S = 60;

const invitationSchema = z.looseObject({
  iss: z.string(),
  sub: z.string(),
  jti: z.string(),
  iat: z.number(),
  exp: z.number(),
  endorse: z.boolean().optional(),
});
const registrationSchema = z.looseObject({
  sub: z.string(),
  iat: z.number(),
  credential: z.looseObject({ credentialId: z.string() }),
});
const endorsementSchema = z.looseObject({ iss: z.string(), iat: z.number(), registration: z.string() });

type Book = EvidenceFile['directories'][number];

/** Objects to passkeys in evidence that nobody was entitled to let their holders register. */
export function* checkEnrolments({ directories }: Pick<EvidenceFile, 'directories'>): Generator<Finding> {
  for (const [index, book] of directories.entries())
    for (const message of objectionsTo(book))
      yield finding('duties', `directories[${index}].excerpt.register`, message);
}

function* objectionsTo(book: Book): Generator<string> {
  const holders = new Map<string, string>();
  const used = new Set<string>();
  const rows = book.excerpt.register ?? [];
  for (const row of rows) {
    if (!('registration' in row)) continue;
    const registration = registrationSchema.safeParse(partsOf(row.registration).payload);
    if (!registration.success) {
      yield 'a registration cannot be read';
      continue;
    }
    const { sub, credential } = registration.data;
    const earlier = holders.get(credential.credentialId) ?? sub;
    if (earlier !== sub) yield `${credential.credentialId} belongs to ${earlier} and to ${sub}`;
    holders.set(credential.credentialId, sub);
    if (!('invitation' in row)) continue;
    const invitation = invitationSchema.safeParse(partsOf(row.invitation).payload);
    if (!invitation.success) {
      yield 'an invitation cannot be read';
      continue;
    }
    const { iss, jti, iat, exp } = invitation.data;
    if (invitation.data.sub !== sub) yield `${sub} used the invitation of ${invitation.data.sub}`;
    if (iss === sub) yield `${iss} invited themselves`;
    if (exp - iat > WEEK_S || registration.data.iat >= exp || registration.data.iat < iat - SKEW_S)
      yield `the invitation of ${sub} was not in force`;
    if (used.has(`${iss} ${jti}`)) yield `the invitation of ${sub} was used twice`;
    used.add(`${iss} ${jti}`);
    const id = `sha-256:${createHash('sha256')
      .update(canonicalize(row) ?? '')
      .digest('base64url')}`;
    const vouchers = new Set(
      [
        ...(isGovernors(book, iss, partsOf(row.invitation).keyId, iat) ? [iss] : []),
        ...endorsersOf(book, rows, id),
      ].filter((one) => one !== sub),
    );
    if (vouchers.size < (invitation.data.endorse === true ? 2 : 1))
      yield `${sub} has a passkey that too few governors vouched for`;
  }
  for (const row of rows)
    if ('registration' in row && !('invitation' in row)) {
      const { keyId = '', payload } = partsOf(row.registration);
      const sub = registrationSchema.safeParse(payload).data?.sub;
      if (holders.get(keyId) !== sub && ownerIn(book, keyId) !== sub)
        yield `${sub} has a passkey that another person's key added`;
    }
}

function* endorsersOf(
  book: Book,
  rows: NonNullable<Book['excerpt']['register']>,
  id: string,
): Generator<string> {
  for (const row of rows) {
    if (!('endorsement' in row)) continue;
    const { keyId, payload } = partsOf(row.endorsement);
    const said = endorsementSchema.safeParse(payload).data;
    if (said?.registration === id && isGovernors(book, said.iss, keyId, said.iat)) yield said.iss;
  }
}

/** Whether a governor of keys signed, with a key of their own: of the directory, or one that they registered. */
function isGovernors(book: Book, id: string, keyId: string | undefined, atS: number): boolean {
  const entry = entriesOf(book).get(id);
  const roles = entry?.roles.flatMap((held) => {
    if (typeof held === 'string') return [held];
    return atS * 1_000 < Date.parse(held.until) ? [held.role] : [];
  });
  if (keyId === undefined || !id.startsWith('person/') || !roles?.includes(ENROLLING)) return false;
  return ownerIn(book, keyId) === id || registrantOf(book, keyId) === id;
}

function ownerIn(book: Book, keyId: string): string | undefined {
  for (const [id, { keys }] of entriesOf(book)) if (keys.some((key) => keyIdOf(key) === keyId)) return id;
  return undefined;
}

function registrantOf({ excerpt }: Book, keyId: string): string | undefined {
  for (const row of excerpt.register ?? []) {
    const claims =
      'registration' in row && registrationSchema.safeParse(partsOf(row.registration).payload).data;
    if (claims && claims.credential.credentialId === keyId) return claims.sub;
  }
  return undefined;
}
