import {
  ENDORSEMENT_TYPE,
  ENROLLING_ROLE,
  INVITATION_TYPE,
  type InvitationClaims,
  LONGEST_CHAIN,
  MOST_KEYS_OF_ONE,
  REGISTRATION_TYPE,
} from '../../contracts/enrolment';
import type { Digest } from '../../domain/digest';
import { isHuman, type PrincipalId, type Standing } from '../../domain/principal';
import { accepted, type Refusal, type Result, refused } from '../../domain/refusal';
import type { SignedEnvelope } from '../../domain/request';
import type { Passkey, RegisteredJwk, RegisteredKey } from '../directory';
import { passkeyProblem } from '../passkey';
import { invitationProblem, registrationProblem } from './invited';
import type { DecodedRow, Registered, Said } from './row';
import { joined, type Support, supportBy } from './support';

/** Returns true if `key` signed this envelope, and for this purpose (JOSE `typ`). */
export type Holds = (envelope: SignedEnvelope, type: string, key: RegisteredKey) => Promise<boolean>;

/** The directory file, as the judge asks it. */
export interface Root {
  standingOf(id: PrincipalId, atMs: number): Standing | undefined;
  keyById(keyId: string, atMs: number): RegisteredKey | undefined;
  /** Returns true if the file names this key, whether or not it may sign. */
  namesKey(keyId: string): boolean;
}

/** A passkey whose registration holds. */
export interface EnrolledKey {
  readonly key: Passkey;
  readonly row: Registered;
  readonly enrolledAtMs: number;
  readonly support: Support;
}

/** A register as it counts over one version of the directory file. */
export interface Judged {
  /** Keys that may sign, by credential id. */
  readonly keys: ReadonlyMap<string, EnrolledKey>;
  /** Keys whose registration holds, and that were retired since. */
  readonly retired: ReadonlyMap<string, EnrolledKey>;
  /** Why a registration does not count, by row. */
  readonly refusals: ReadonlyMap<Digest, Refusal>;
}

type Endorsed = Extract<DecodedRow, { kind: 'endorsed' }>;
type Retired = Extract<DecodedRow, { kind: 'retired' }>;

/**
 * Judges the rows of a register by their signatures, over the directory file. Pure but for `holds`, and without a clock: every time in
 * it is one that somebody signed. The order of the rows does not matter.
 *
 * A registration counts if a governor of the directory file invited its person (or endorsed it), or if a passkey of the same person
 * signed it. A retirement counts as it stands, whoever signed it: a key must not come back to life when the governor who retired it
 * leaves the file, and who can write a false one into the register could delete the key as well.
 *
 * A credential id that two registrations give to different people or keys counts for neither. Of two registrations on one invitation, the
 * one signed first counts; the digest of the row decides between equal times.
 */
export async function judgeRegister(rows: readonly DecodedRow[], root: Root, holds: Holds): Promise<Judged> {
  const registrations = unique(rows.filter((row) => row.kind === 'registered')).sort(bySignedTime);
  const judge = new Judge(
    root,
    holds,
    unique(rows.filter((row) => row.kind === 'endorsed')),
    unique(rows.filter((row) => row.kind === 'retired')),
  );
  // Conflicts are found among all rows whose signatures hold, and only then decided: what they take away cannot cause others.
  const all = await judge.grow(registrations);
  const banned = conflictsIn(
    [...all.held.values()].sort((a, b) => bySignedTime(a.row, b.row)),
    judge,
  );
  const { held, refusals } = await judge.grow(registrations.filter(({ id }) => !banned.has(id)));
  const byKey = new Map([...held.values()].reverse().map((one) => [one.key.keyId, one]));
  const split = (isRetired: boolean) =>
    new Map([...byKey].filter(([keyId]) => judge.isRetired(keyId) === isRetired));
  return { keys: split(false), retired: split(true), refusals: new Map([...refusals, ...banned]) };
}

const unique = <Row extends { readonly id: Digest }>(rows: readonly Row[]): Row[] => [
  ...new Map(rows.map((row) => [row.id, row])).values(),
];

const bySignedTime = (a: Registered, b: Registered): number =>
  a.registration.claims.iat - b.registration.claims.iat || (a.id < b.id ? -1 : 1);

/** Registrations that hold by themselves and must not count beside the others, with the reason. `held` is in the order of signing. */
function conflictsIn(held: readonly EnrolledKey[], judge: Judge): ReadonlyMap<Digest, Refusal> {
  const banned = new Map<Digest, Refusal>();
  const ban = ({ row }: EnrolledKey, { refusal }: { readonly refusal: Refusal }) =>
    banned.set(row.id, refusal);
  const holders = groups(held, ({ key }) => key.keyId);
  for (const same of holders.values())
    if (new Set(same.map(({ key }) => `${key.principal} ${key.publicKey}`)).size > 1)
      for (const one of same)
        ban(one, refused('CONFLICTED', 'the credential id has two holders or two keys'));
  const invited = held.filter(({ row }) => row.invitation !== undefined);
  for (const [, ...later] of groups(invited, ({ row }) => invitationIdOf(row.invitation?.claims)).values())
    for (const one of later) ban(one, refused('REPLAYED', 'the invitation was used before'));
  const counting = held.filter(({ row, key }) => !banned.has(row.id) && !judge.isRetired(key.keyId));
  for (const own of groups(counting, ({ key }) => key.principal).values())
    for (const one of [...groups(own, ({ key }) => key.keyId).values()].slice(MOST_KEYS_OF_ONE).flat())
      ban(one, refused('TOO_LARGE', `a person may have ${MOST_KEYS_OF_ONE} passkeys; retire one first`));
  return banned;
}

/** Names an invitation, of which one registration counts. */
const invitationIdOf = (claims: InvitationClaims | undefined): string => `${claims?.iss} ${claims?.jti}`;

function groups<T>(all: readonly T[], nameOf: (one: T) => string): ReadonlyMap<string, readonly T[]> {
  const found = new Map<string, T[]>();
  for (const one of all) {
    const known = found.get(nameOf(one));
    if (known === undefined) found.set(nameOf(one), [one]);
    else known.push(one);
  }
  return found;
}

interface Grown {
  readonly held: ReadonlyMap<Digest, EnrolledKey>;
  readonly refusals: ReadonlyMap<Digest, Refusal>;
}

class Judge {
  readonly #endorsements: ReadonlyMap<string, readonly Endorsed[]>;
  readonly #retirements: ReadonlyMap<string, readonly Retired[]>;

  constructor(
    private readonly root: Root,
    private readonly holds: Holds,
    endorsements: readonly Endorsed[],
    retirements: readonly Retired[],
  ) {
    const sorted = [...endorsements].sort((a, b) => (a.id < b.id ? -1 : 1));
    this.#endorsements = groups(sorted, ({ endorsement }) => endorsement.claims.registration);
    this.#retirements = groups(retirements, ({ retirement }) => retirement.claims.keyId);
  }

  isRetired(keyId: string): boolean {
    return this.#retirements.has(keyId);
  }

  /** Finds every registration that holds: from the keys of the file to those that these vouch for, and so on. */
  async grow(registrations: readonly Registered[]): Promise<Grown> {
    const held = new Map<Digest, EnrolledKey>();
    const byKey = new Map<string, EnrolledKey>();
    const refusals = new Map<Digest, Refusal>();
    let open = registrations;
    for (let step = 0, grew = true; grew && step < LONGEST_CHAIN; step += 1) {
      grew = false;
      const left: Registered[] = [];
      for (const row of open) {
        const support = await this.#supportOf(row, byKey);
        if (!support.ok) {
          refusals.set(row.id, support.refusal);
          left.push(row);
          continue;
        }
        const key = enrolled(row, support.value);
        held.set(row.id, key);
        refusals.delete(row.id);
        if (!byKey.has(key.key.keyId)) byKey.set(key.key.keyId, key);
        grew = true;
      }
      open = left;
    }
    return { held, refusals };
  }

  async #supportOf(row: Registered, byKey: ReadonlyMap<string, EnrolledKey>): Promise<Result<Support>> {
    const { credential } = row.registration.claims;
    const message = passkeyProblem(credential);
    if (message !== undefined) return refused('MALFORMED', message);
    if (this.root.namesKey(credential.credentialId))
      return refused('CONFLICTED', 'the directory file names this key; what it says of it counts');
    return row.invitation === undefined
      ? this.#supportOfFurther(row, byKey)
      : this.#supportOfInvited(row, row.invitation, byKey);
  }

  /** A further key: a passkey of the same person for the same page signed it. A JWK may not, because it is worth less. */
  async #supportOfFurther(
    { id, registration }: Registered,
    byKey: ReadonlyMap<string, EnrolledKey>,
  ): Promise<Result<Support>> {
    const { sub, iat, credential, invitation } = registration.claims;
    if (invitation !== undefined) return refused('MALFORMED', 'the invitation that it names is missing');
    const signer = this.#signer(registration.keyId, iat * 1_000, credential.credentialId, byKey);
    if (signer === undefined || registration.keyId === credential.credentialId) return unknownKey();
    const { key, support } = signer;
    if (key.kind !== 'passkey')
      return refused('WEAK_ASSURANCE', 'a further passkey is signed for by a passkey, not by a key file');
    if (key.principal !== sub)
      return refused('BAD_SIGNATURE', `signed by a passkey of ${key.principal}, for ${sub}`);
    if (key.rpId !== credential.rpId || key.origin !== credential.origin)
      return refused('BAD_SIGNATURE', `registered for ${credential.origin}, signed on ${key.origin}`);
    if (!(await this.holds(registration.envelope, REGISTRATION_TYPE, key))) return badSignature();
    return accepted(joined([support, supportBy({ rows: [id], principals: [sub] })]));
  }

  async #supportOfInvited(
    { id, registration }: Registered,
    invitation: Said<InvitationClaims>,
    byKey: ReadonlyMap<string, EnrolledKey>,
  ): Promise<Result<Support>> {
    const { claims } = invitation;
    const problem = invitationProblem(claims) ?? registrationProblem(registration.claims, invitation);
    if (problem !== undefined) return problem;
    const person = this.root.standingOf(claims.sub, claims.iat * 1_000);
    if (person === undefined || !isHuman(person))
      return refused('NOT_HUMAN', `${claims.sub} is not a person of the directory`);
    if (!(await this.holds(registration.envelope, REGISTRATION_TYPE, holderKey(claims))))
      return refused('BAD_SIGNATURE', 'not signed by the key that came with the invitation');
    const about = { sub: claims.sub, keyId: registration.claims.credential.credentialId, byKey };
    const invited = await this.#vouching(invitation, INVITATION_TYPE, about);
    const vouchers = new Map<PrincipalId, Support>(invited.ok ? [[claims.iss, invited.value]] : []);
    const needed = claims.endorse ? 2 : 1;
    for (const { id: row, endorsement } of this.#endorsements.get(id) ?? []) {
      if (vouchers.size >= needed) break;
      const vouched = await this.#vouching(endorsement, ENDORSEMENT_TYPE, about);
      if (vouched.ok && !vouchers.has(endorsement.claims.iss))
        vouchers.set(endorsement.claims.iss, joined([vouched.value, supportBy({ rows: [row] })]));
    }
    if (vouchers.size >= needed)
      return accepted(joined([...vouchers.values(), supportBy({ rows: [id], principals: [claims.sub] })]));
    return invited.ok ? refused('NOT_NOW', 'it awaits the endorsement of a second governor') : invited;
  }

  /** The word of a governor, by the directory file as of when they signed. */
  async #vouching(
    { envelope, keyId, claims: { iss, iat } }: Said<{ readonly iss: PrincipalId; readonly iat: number }>,
    type: string,
    about: {
      readonly sub: PrincipalId;
      readonly keyId: string;
      readonly byKey: ReadonlyMap<string, EnrolledKey>;
    },
  ): Promise<Result<Support>> {
    const atMs = iat * 1_000;
    const signer = this.#signer(keyId, atMs, about.keyId, about.byKey);
    if (signer === undefined) return unknownKey();
    if (signer.key.principal !== iss)
      return refused('BAD_SIGNATURE', `signed by a key of ${signer.key.principal} in the name of ${iss}`);
    const standing = this.root.standingOf(iss, atMs);
    if (!standing?.active || !isHuman(standing) || !standing.roles.includes(ENROLLING_ROLE))
      return refused('NOT_GOVERNANCE', `${iss} does not hold the role ${ENROLLING_ROLE}`);
    if (iss === about.sub) return refused('CONFLICTED', `${iss} cannot vouch for a key of their own`);
    if (!(await this.holds(envelope, type, signer.key))) return badSignature();
    return accepted(joined([signer.support, supportBy({ principals: [iss] })]));
  }

  /** A key that may vouch for `forKeyId`: of the file, or enrolled. A retired one only for what each retirement of it keeps. */
  #signer(
    keyId: string,
    atMs: number,
    forKeyId: string,
    byKey: ReadonlyMap<string, EnrolledKey>,
  ): { readonly key: RegisteredKey; readonly support: Support } | undefined {
    const named = this.root.keyById(keyId, atMs);
    if (named !== undefined) return { key: named, support: supportBy({ keyIds: [keyId] }) };
    const known = byKey.get(keyId);
    if (known === undefined) return undefined;
    const retirements = this.#retirements.get(keyId) ?? [];
    if (!retirements.every(({ retirement }) => retirement.claims.keeps?.includes(forKeyId))) return undefined;
    // They are part of what it rests on: without them a reader would take the retired key for one that counts.
    return {
      key: known.key,
      support: joined([known.support, supportBy({ rows: retirements.map(({ id }) => id) })]),
    };
  }
}

/** The key that came with an invitation, in the shape of a registered one. It vouches for the registration alone. */
const holderKey = ({ sub, cnf }: InvitationClaims): RegisteredJwk => ({
  kind: 'jwk',
  keyId: '',
  principal: sub,
  publicJwk: cnf.jwk,
  assurance: 'channel',
  channel: 'invitation',
});

function enrolled(row: Registered, support: Support): EnrolledKey {
  const { sub, iat, credential } = row.registration.claims;
  const { credentialId: keyId, ...rest } = credential;
  const key = {
    kind: 'passkey',
    keyId,
    principal: sub,
    assurance: 'phishing-resistant',
    channel: 'browser',
  } as const;
  return { key: { ...key, ...rest }, row, enrolledAtMs: iat * 1_000, support };
}

const unknownKey = () => refused('UNKNOWN_KEY', 'signed by a key that is not registered, or is no longer');
const badSignature = () => refused('BAD_SIGNATURE', 'the signature does not hold');
