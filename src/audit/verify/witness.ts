import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { ApprovalPath } from '../../domain/assessment';
import type { SignedEnvelope } from '../../domain/request';
import type { EvidenceFile } from '../evidence/schema';

/*
 * Reads from the signed statements themselves who stated what, and when. It shares no code with the core, so that
 * a mistake there cannot hide here.
 */

const claimsSchema = z.looseObject({
  jti: z.string(),
  iat: z.number(),
  exp: z.number(),
  verb: z.string(),
  stage: z.string().optional(),
  digest: z.string(),
  endorses: z.string().optional(),
  durationMs: z.number().optional(),
  replacement: z.object({ replace: z.string(), with: z.string(), untilMs: z.number() }).optional(),
  switchTo: z.object({ path: z.string(), untilMs: z.number() }).optional(),
  reasonCode: z.string().optional(),
  ticket: z.string().optional(),
  policyBasis: z.string().optional(),
  reporter: z.string().optional(),
});

/** A principal, by one version of the directory. */
export interface WitnessedPrincipal {
  readonly id: string;
  readonly roles: readonly string[];
  readonly groups: readonly string[];
  readonly active: boolean;
  readonly assurance: string;
  readonly channel: string;
  /** The absent people whose delegate they were at that moment. */
  readonly standsInFor: readonly string[];
}

/** A statement that counted. */
export interface CountedStatement extends z.infer<typeof claimsSchema> {
  readonly where: string;
  readonly receivedAtMs: number;
  readonly keyId: string;
  readonly holder: WitnessedPrincipal | undefined;
  /** The path that policy offered for a switch, and the groups that it allowed in an emergency. */
  readonly alternative: ApprovalPath | undefined;
  readonly emergencyGroups: readonly string[];
}

const entrySchema = z.looseObject({
  enabled: z.boolean().default(true),
  endDate: z.string().optional(),
  owner: z.string().optional(),
  sponsor: z.string().optional(),
  accounts: z.record(z.string(), z.string()).default({}),
  roles: z.array(z.union([z.string(), z.object({ role: z.string(), until: z.string() })])).default([]),
  keys: z
    .array(
      z.union([
        z.object({
          passkey: z.object({ credentialId: z.string() }),
          channel: z.string().default('browser'),
        }),
        z.object({
          jwk: z.record(z.string(), z.string()),
          assurance: z.string(),
          channel: z.string(),
        }),
      ]),
    )
    .default([]),
});
type Entry = z.infer<typeof entrySchema>;

/** Returns every statement that counted, in the order in which they were received. */
export function countedStatements(evidence: EvidenceFile): readonly CountedStatement[] {
  return evidence.steps.flatMap(({ command, events }, step) =>
    events.flatMap(({ event }, index) => {
      if (event.type !== 'statement_accepted') return [];
      const where = `steps[${step}].events[${index}]`;
      const { keyId, payload } = partsOf(event.accepted.envelope);
      const claims = claimsSchema.safeParse(payload);
      if (keyId === undefined || !claims.success) return [];
      const { envelope, directoryDigest } = event.accepted;
      const signer = holderOf(evidence, directoryDigest, keyId, event.atMs);
      const holder =
        envelope.format === 'attested'
          ? chooserOf(evidence, directoryDigest, signer, payload, event.atMs)
          : signer;
      const facts =
        command.type === 'consider' && command.check.verified ? command.check.facts.reroute : undefined;
      const alternative = facts?.alternative;
      const emergencyGroups = facts?.emergency?.substituteGroups ?? [];
      const receivedAtMs = event.atMs;
      return [{ ...claims.data, where, receivedAtMs, keyId, holder, alternative, emergencyGroups }];
    }),
  );
}

const attestedSchema = z.looseObject({
  iss: z.string(),
  attester: z.string(),
  stage: z.string(),
  via: z.looseObject({ channel: z.string(), workspace: z.string(), account: z.string() }),
});
const ATTESTER = 'channel-attester';

/**
 * Returns the person who chose something in a channel. Undefined unless the one who signed may attest for that channel, and the account
 * is the person's.
 */
function chooserOf(
  evidence: EvidenceFile,
  digest: string,
  signer: WitnessedPrincipal | undefined,
  payload: unknown,
  atMs: number,
): WitnessedPrincipal | undefined {
  const claims = attestedSchema.safeParse(payload);
  const directory = evidence.directories.find((one) => one.digest === digest);
  if (!claims.success || directory === undefined) return undefined;
  const { iss, attester, via } = claims.data;
  const mayAttest =
    signer?.id === attester &&
    signer.active &&
    !attester.startsWith('person/') &&
    signer.roles.includes(ATTESTER) &&
    signer.channel === via.channel;
  const entry = entriesOf(directory).get(iss);
  if (!mayAttest || entry?.accounts[via.channel] !== `${via.workspace}/${via.account}`) return undefined;
  return { ...standingIn(directory, iss, entry, atMs), assurance: 'channel', channel: via.channel };
}

/** Returns the key that an envelope names, and its claims. */
export function partsOf(envelope: SignedEnvelope): { readonly keyId?: string; readonly payload: unknown } {
  if (envelope.format === 'webauthn')
    return { keyId: envelope.credentialId, payload: readJson(envelope.claims) };
  const jws = envelope.format === 'attested' ? envelope.attested : envelope.jws;
  const [head = '', payload = ''] = jws.split('.');
  const header = z.looseObject({ kid: z.string() }).safeParse(decodePart(head));
  return { payload: decodePart(payload), ...(header.success && { keyId: header.data.kid }) };
}

const decodePart = (part: string): unknown => readJson(Buffer.from(part, 'base64url').toString('utf8'));

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Returns the key that signed the submission. */
export function submissionKeyOf(evidence: EvidenceFile): string | undefined {
  const command = evidence.steps[0]?.command;
  if (command?.type !== 'submit') return undefined;
  return partsOf(command.submission.proof).keyId;
}

export function entriesOf({ excerpt }: EvidenceFile['directories'][number]): ReadonlyMap<string, Entry> {
  const all = Object.entries({ ...excerpt.people, ...excerpt.identities });
  return new Map(
    all.flatMap(([id, entry]) => {
      const read = entrySchema.safeParse(entry);
      return read.success ? [[id, read.data] as const] : [];
    }),
  );
}

function holderOf(
  evidence: EvidenceFile,
  digest: string,
  keyId: string,
  atMs: number,
): WitnessedPrincipal | undefined {
  const directory = evidence.directories.find((one) => one.digest === digest);
  if (directory === undefined) return undefined;
  const enrolledBy = enrolledIn(directory).get(keyId);
  for (const [id, entry] of entriesOf(directory))
    for (const registration of [...entry.keys, ...(id === enrolledBy ? [enrolledKey(keyId)] : [])])
      if (keyIdOf(registration) === keyId) {
        const { channel } = registration;
        const assurance = 'passkey' in registration ? 'phishing-resistant' : registration.assurance;
        return { ...standingIn(directory, id, entry, atMs), assurance, channel };
      }
  return undefined;
}

/** Who someone was at a moment, by one version of the directory. */
function standingIn(
  { excerpt }: EvidenceFile['directories'][number],
  id: string,
  entry: Entry,
  atMs: number,
): Omit<WitnessedPrincipal, 'assurance' | 'channel'> {
  const roles = entry.roles.flatMap((held) => {
    if (typeof held === 'string') return [held];
    return atMs < Date.parse(held.until) ? [held.role] : [];
  });
  const groups = Object.entries(excerpt.groups)
    .filter(([, { members }]) => members.includes(id))
    .map(([name]) => name);
  const active = entry.enabled && (entry.endDate === undefined || atMs < Date.parse(entry.endDate));
  const standsInFor = (excerpt.delegations ?? [])
    .filter(({ to, since, until }) => to === id && Date.parse(since) <= atMs && atMs < Date.parse(until))
    .map(({ from }) => from);
  return { id, roles, groups, active, standsInFor };
}

/** A key of the register, as a file would have it. */
const enrolledKey = (credentialId: string): Entry['keys'][number] => ({
  passkey: { credentialId },
  channel: 'browser',
});

const registrationSchema = z.looseObject({
  sub: z.string(),
  credential: z.looseObject({ credentialId: z.string() }),
});

/** Who registered which passkey, by the rows of the register. That their signatures hold is another check. */
function enrolledIn({ excerpt }: EvidenceFile['directories'][number]): ReadonlyMap<string, string> {
  return new Map(
    (excerpt.register ?? []).flatMap((row) => {
      if (!('registration' in row)) return [];
      const claims = registrationSchema.safeParse(partsOf(row.registration).payload);
      return claims.success ? [[claims.data.credential.credentialId, claims.data.sub] as const] : [];
    }),
  );
}

export const keyIdOf = (registration: Entry['keys'][number]): string =>
  'passkey' in registration ? registration.passkey.credentialId : thumbprint(registration.jwk);

/** Computes a JWK thumbprint (RFC 7638), independent of the library that the product uses. */
function thumbprint({ crv, kty, x, y }: Readonly<Record<string, string>>): string {
  const members = kty === 'EC' ? { crv, kty, x, y } : { crv, kty, x };
  return createHash('sha256').update(JSON.stringify(members)).digest('base64url');
}

/** Returns requester, beneficiary, delegators, and the owners and sponsors of each by any version of the directory. */
export function conflictedIn(evidence: EvidenceFile): ReadonlySet<string> {
  const command = evidence.steps[0]?.command;
  if (command?.type !== 'submit') return new Set();
  const { requester, beneficiary, onBehalfOf } = command.submission.request;
  const named = [requester, beneficiary, ...onBehalfOf];
  const entries = evidence.directories.map(entriesOf);
  const guardians = entries.flatMap((known) =>
    named.flatMap((id) => [known.get(id)?.owner, known.get(id)?.sponsor]),
  );
  return new Set([...named, ...guardians.filter((id) => id !== undefined)]);
}
