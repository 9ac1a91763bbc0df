import {
  ENROLLING_ROLE,
  INVITATION_TYPE,
  type InvitationClaims,
  RETIREMENT_TYPE,
} from '../../contracts/enrolment';
import type { Digest } from '../../domain/digest';
import { LIMITS } from '../../domain/limits';
import { isHuman, type PrincipalId } from '../../domain/principal';
import { accepted, type Refusal, type Result, refused } from '../../domain/refusal';
import type { SignedEnvelope } from '../../domain/request';
import type { RegisteredKey } from '../directory';
import type { FileDirectory } from '../file-directory';
import { invitationProblem } from './invited';
import { type EnrolledKey, type Holds, type Judged, judgeRegister } from './judge';
import type { Register } from './register';
import { type DecodedRow, decodeRow, type Registered, readInvitation, type Said } from './row';

/** How long ago something may have been signed that is written into the register. An invitation has a time of its own. */
const FRESH_MS = 10 * 60_000;

/** A passkey in the register, counting or not. */
export interface KeyView {
  readonly keyId: string;
  readonly person: PrincipalId;
  readonly state: 'counts' | 'retired' | 'awaits-endorsement' | 'refused';
  readonly label?: string;
  readonly origin: string;
  readonly enrolledAt: string;
  /** The governors whose word it rests on. Empty for a further key, which its owner added. */
  readonly vouchedBy: readonly PrincipalId[];
  /** Id of its row, which a governor's endorsement names. */
  readonly registration: Digest;
  /** Why it does not count. */
  readonly refusal?: Refusal;
}

/** What an invitation is good for, for the page that the invited person opens. */
export interface InvitationView extends Pick<InvitationClaims, 'rpId' | 'origin'> {
  readonly person: PrincipalId;
  readonly invitedBy: PrincipalId;
  readonly expiresAt: string;
  readonly needsEndorsement: boolean;
}

export interface EnrolmentOptions {
  readonly register: Register;
  /** The directory file in force. */
  readonly file: () => Promise<FileDirectory>;
  readonly holds: Holds;
  /** Where the pages are that people register on here. Invitations to other pages are refused; without it, none is. */
  readonly pageOrigin?: string | undefined;
  /** Refuses what a passkey signed whose counter went back. Without it, a copied passkey is not noticed. */
  readonly refuseCopy?: ((envelope: SignedEnvelope) => Promise<Refusal | undefined>) | undefined;
  readonly nowMs?: () => number;
}

/** Takes rows into the register, if they count there, and shows whose keys are in it. It decides nothing that its readers do not. */
export class Enrolment {
  readonly #nowMs: () => number;

  constructor(private readonly options: EnrolmentOptions) {
    this.#nowMs = options.nowMs ?? Date.now;
  }

  /** Checks an invitation before somebody uses it. Refuses with the code that its registration would be refused with. */
  async invitation(envelope: SignedEnvelope): Promise<Result<InvitationView>> {
    const said = readInvitation(envelope);
    if (said === undefined) return refused('MALFORMED', 'it is not an invitation');
    const { file, rows, judged } = await this.#now();
    const refusal = wasUsed(said, rows) ?? (await this.#invitationRefusal(said, file, judged));
    if (refusal !== undefined) return refusal;
    const { iss, sub, exp, rpId, origin, endorse } = said.claims;
    const expiresAt = new Date(exp * 1_000).toISOString();
    return accepted({
      person: sub,
      invitedBy: iss,
      expiresAt,
      needsEndorsement: endorse === true,
      rpId,
      origin,
    });
  }

  /**
   * Writes a row: a registration with its invitation, a further key, an endorsement or a retirement. Returns the key that it is about.
   * A row is written only if it counts at this moment, so that nobody fills the register with what never will.
   *
   * @throws TargetUnavailable if the register cannot be reached
   */
  async add(value: unknown): Promise<Result<KeyView>> {
    const row = decodeRow(value);
    if (row === undefined) return refused('MALFORMED', 'it is not a row of the register');
    // First by what is known here: a stranger's row costs no query.
    const first = await this.#check(row, await this.options.register.current());
    if (!first.ok) return first;
    // A retirement takes something away, and a person whose passkey was copied has to be able to retire it.
    const signed =
      row.kind === 'retired' ? undefined : 'endorsement' in row ? row.endorsement : row.registration;
    const copied = signed && (await this.options.refuseCopy?.(signed.envelope));
    if (copied !== undefined) return { ok: false, refusal: copied };
    return this.options.register.add(row, (rows) => this.#check(row, rows));
  }

  /** The keys of one person, or of everyone. */
  async keys(person?: PrincipalId): Promise<readonly KeyView[]> {
    const { rows, judged } = await this.#now();
    return rows
      .filter((row) => row.kind === 'registered')
      .filter(({ registration }) => person === undefined || registration.claims.sub === person)
      .map((row) => viewOf(row, judged));
  }

  async #now() {
    const [file, rows] = [await this.options.file(), await this.options.register.current()];
    return { file, rows, judged: await judgeRegister(rows, file, this.options.holds) };
  }

  async #check(row: DecodedRow, rows: readonly DecodedRow[]): Promise<Result<KeyView>> {
    const file = await this.options.file();
    const before = await judgeRegister(rows, file, this.options.holds);
    const nowMs = this.#nowMs();
    if (row.kind === 'retired') return this.#checkRetirement(row, file, before);
    const claims = row.kind === 'registered' ? row.registration.claims : row.endorsement.claims;
    const ageMs = nowMs - claims.iat * 1_000;
    if (ageMs > FRESH_MS || ageMs < -LIMITS.clockSkewMs)
      return refused('EXPIRED_STATEMENT', 'it was signed too long ago, or a clock is wrong; do it again');
    if (row.kind === 'registered' && row.invitation !== undefined) {
      const used = wasUsed(row.invitation, rows);
      const refusal = used ?? (await this.#invitationRefusal(row.invitation, file, before));
      if (refusal !== undefined) return refusal;
    }
    const after = await judgeRegister([...rows, row], file, this.options.holds);
    const lost = [...before.keys.keys()].find((keyId) => !after.keys.has(keyId));
    if (lost !== undefined) return refused('CONFLICTED', 'a key that counts would count no more beside it');
    const about = row.kind === 'registered' ? row : registrationIn(rows, row.endorsement.claims.registration);
    if (about === undefined) return refused('NOT_ELIGIBLE', 'there is no such registration');
    const view = viewOf(about, after);
    const isTaken =
      view.state === 'counts' || (row.kind === 'registered' && view.state === 'awaits-endorsement');
    if (!isTaken)
      return { ok: false, refusal: view.refusal ?? { code: 'NOT_NOW', detail: 'the key is retired' } };
    const isNew = row.kind === 'registered' || !before.keys.has(view.keyId);
    return isNew ? accepted(view) : refused('NOT_NOW', 'the key counts without this word');
  }

  /** An invitation counts by when it was signed; to use it, its governor has to be one today, too. */
  async #invitationRefusal(
    { envelope, keyId, claims }: Said<InvitationClaims>,
    file: FileDirectory,
    judged: Judged,
  ) {
    const nowMs = this.#nowMs();
    const problem = invitationProblem(claims);
    if (problem !== undefined) return problem;
    const { pageOrigin = claims.origin } = this.options;
    if (claims.origin !== pageOrigin)
      return refused(
        'NOT_ELIGIBLE',
        `the invitation is to the pages at ${claims.origin}; these are at ${pageOrigin}`,
      );
    if (nowMs >= claims.exp * 1_000)
      return refused('EXPIRED_STATEMENT', 'the invitation has expired; ask for another');
    if (claims.iat * 1_000 > nowMs + LIMITS.clockSkewMs)
      return refused('EXPIRED_STATEMENT', 'the invitation is of the future; a clock is wrong');
    const key = keyIn(file, judged, keyId, nowMs);
    if (key === undefined)
      return refused('UNKNOWN_KEY', 'signed by a key that is not registered, or is no longer');
    if (key.principal !== claims.iss || !(await this.options.holds(envelope, INVITATION_TYPE, key)))
      return refused('BAD_SIGNATURE', 'the signature of the invitation does not hold');
    if (!governs(file, claims.iss, nowMs))
      return refused('NOT_GOVERNANCE', `${claims.iss} does not hold the role ${ENROLLING_ROLE}`);
    const person = file.standingOf(claims.sub, nowMs);
    if (person === undefined || !isHuman(person))
      return refused('NOT_HUMAN', `${claims.sub} is not a person of the directory`);
    return person.active
      ? undefined
      : refused('DISABLED_IDENTITY', `${claims.sub} is disabled or past its end date`);
  }

  /** What lies in the register counts as it stands; it gets there by its owner's word, or a governor's. */
  async #checkRetirement(
    { retirement }: Extract<DecodedRow, { kind: 'retired' }>,
    file: FileDirectory,
    judged: Judged,
  ): Promise<Result<KeyView>> {
    const { iss, iat, keyId } = retirement.claims;
    const nowMs = this.#nowMs();
    const ageMs = nowMs - iat * 1_000;
    if (ageMs > FRESH_MS || ageMs < -LIMITS.clockSkewMs)
      return refused('EXPIRED_STATEMENT', 'it was signed too long ago, or a clock is wrong; sign it again');
    const signer = keyIn(file, judged, retirement.keyId, nowMs);
    if (signer === undefined)
      return refused('UNKNOWN_KEY', 'signed by a key that is not registered, or is no longer');
    if (signer.principal !== iss || !(await this.options.holds(retirement.envelope, RETIREMENT_TYPE, signer)))
      return refused('BAD_SIGNATURE', 'the signature does not hold');
    if (!file.standingOf(iss, nowMs)?.active)
      return refused('DISABLED_IDENTITY', `${iss} is disabled or past its end date`);
    const target = judged.keys.get(keyId);
    const mayRetire = governs(file, iss, nowMs) || target?.key.principal === iss;
    // To somebody who may not retire it, a key that is there and one that is not look the same.
    if (!mayRetire)
      return refused('NOT_ELIGIBLE', `${iss} has no such key, and does not hold the role ${ENROLLING_ROLE}`);
    if (file.namesKey(keyId))
      return refused('NOT_ELIGIBLE', 'the key stands in directory.yaml; set "revoked: true" there');
    if (target === undefined) return refused('NOT_NOW', 'there is no such key in the register that counts');
    return accepted({ ...viewOf(target.row, judged), state: 'retired' });
  }
}

const registrationIn = (rows: readonly DecodedRow[], id: Digest) =>
  rows.filter((row) => row.kind === 'registered').find((row) => row.id === id);

const wasUsed = ({ claims: { iss, jti } }: Said<InvitationClaims>, rows: readonly DecodedRow[]) =>
  rows.some(
    (row) =>
      row.kind === 'registered' && row.invitation?.claims.jti === jti && row.invitation.claims.iss === iss,
  )
    ? refused('REPLAYED', 'the invitation was used before')
    : undefined;

const keyIn = (
  file: FileDirectory,
  judged: Judged,
  keyId: string,
  nowMs: number,
): RegisteredKey | undefined => file.keyById(keyId, nowMs) ?? judged.keys.get(keyId)?.key;

function governs(file: FileDirectory, id: PrincipalId, nowMs: number): boolean {
  const standing = file.standingOf(id, nowMs);
  return standing?.active === true && isHuman(standing) && standing.roles.includes(ENROLLING_ROLE);
}

function viewOf(row: Registered, judged: Judged): KeyView {
  const { sub: person, iat, credential, label } = row.registration.claims;
  const keyId = credential.credentialId;
  const isOwn = (key: EnrolledKey | undefined): boolean => key?.row.id === row.id;
  const [counting, retired] = [judged.keys.get(keyId), judged.retired.get(keyId)];
  const support = isOwn(counting) ? counting?.support : isOwn(retired) ? retired?.support : undefined;
  const refusal = judged.refusals.get(row.id);
  const state = isOwn(counting)
    ? 'counts'
    : isOwn(retired)
      ? 'retired'
      : refusal?.code === 'NOT_NOW'
        ? 'awaits-endorsement'
        : 'refused';
  return {
    keyId,
    person,
    state,
    ...(label !== undefined && { label }),
    origin: credential.origin,
    enrolledAt: new Date(iat * 1_000).toISOString(),
    vouchedBy: [...(support?.principals ?? [])].filter((id) => id !== person).sort(),
    registration: row.id,
    ...(refusal !== undefined && { refusal }),
  };
}
