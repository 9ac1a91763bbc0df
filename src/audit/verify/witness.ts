import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { ApprovalPath } from '../../domain/assessment';
import type { EvidenceFile } from '../evidence/schema';

/*
 * What was said, by whom and when, read from the signed statements themselves. It shares no code with what decided:
 * a mistake there must not hide itself here.
 */

const claimsSchema = z.looseObject({
  jti: z.string(),
  iat: z.number(),
  exp: z.number(),
  verb: z.string(),
  digest: z.string(),
  endorses: z.string().optional(),
  replacement: z.object({ replace: z.string(), with: z.string(), untilMs: z.number() }).optional(),
  switchTo: z.object({ path: z.string(), untilMs: z.number() }).optional(),
  reasonCode: z.string().optional(),
  ticket: z.string().optional(),
  policyBasis: z.string().optional(),
  reporter: z.string().optional(),
});

/** A principal by one version of the directory. */
export interface Holder {
  readonly id: string;
  readonly roles: readonly string[];
  readonly groups: readonly string[];
  readonly active: boolean;
  readonly assurance: string;
  readonly channel: string;
  /** Whom the directory let them stand in for at that moment. */
  readonly standsInFor: readonly string[];
}

/** A statement that counted. */
export interface Said extends z.infer<typeof claimsSchema> {
  readonly where: string;
  readonly heardAtMs: number;
  readonly keyId: string;
  readonly holder: Holder | undefined;
  /** The path that policy offered to a switch, and the groups that it opened to an emergency. */
  readonly alternative: ApprovalPath | undefined;
  readonly emergencyGroups: readonly string[];
}

const entrySchema = z.looseObject({
  enabled: z.boolean().default(true),
  endDate: z.string().optional(),
  owner: z.string().optional(),
  sponsor: z.string().optional(),
  roles: z.array(z.union([z.string(), z.object({ role: z.string(), until: z.string() })])).default([]),
  keys: z
    .array(
      z.looseObject({
        jwk: z.record(z.string(), z.string()),
        assurance: z.string(),
        channel: z.string(),
      }),
    )
    .default([]),
});
type Entry = z.infer<typeof entrySchema>;

/** Every statement that counted, in the order in which they were heard. */
export function saidIn(evidence: EvidenceFile): readonly Said[] {
  return evidence.steps.flatMap(({ command, events }, step) =>
    events.flatMap(({ event }, index) => {
      if (event.type !== 'statement_accepted') return [];
      const where = `steps[${step}].events[${index}]`;
      const [head = '', payload = ''] = event.accepted.envelope.jws.split('.');
      const header = z.looseObject({ kid: z.string() }).safeParse(decodePart(head));
      const claims = claimsSchema.safeParse(decodePart(payload));
      if (!header.success || !claims.success) return [];
      const { kid: keyId } = header.data;
      const holder = holderOf(evidence, event.accepted.directoryDigest, keyId, event.atMs);
      const facts =
        command.type === 'consider' && command.check.verified ? command.check.facts.reroute : undefined;
      const alternative = facts?.alternative;
      const emergencyGroups = facts?.emergency?.substituteGroups ?? [];
      const heardAtMs = event.atMs;
      return [{ ...claims.data, where, heardAtMs, keyId, holder, alternative, emergencyGroups }];
    }),
  );
}

function decodePart(part: string): unknown {
  try {
    return JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
}

/** The key that signed the submission. */
export function submissionKeyOf(evidence: EvidenceFile): string | undefined {
  const command = evidence.steps[0]?.command;
  if (command?.type !== 'submit') return undefined;
  const header = z
    .looseObject({ kid: z.string() })
    .safeParse(decodePart(command.submission.proof.jws.split('.')[0] ?? ''));
  return header.success ? header.data.kid : undefined;
}

function entriesOf({ excerpt }: EvidenceFile['directories'][number]): ReadonlyMap<string, Entry> {
  const all = Object.entries({ ...excerpt.people, ...excerpt.identities });
  return new Map(
    all.flatMap(([id, entry]) => {
      const read = entrySchema.safeParse(entry);
      return read.success ? [[id, read.data] as const] : [];
    }),
  );
}

function holderOf(evidence: EvidenceFile, digest: string, keyId: string, atMs: number): Holder | undefined {
  const directory = evidence.directories.find((one) => one.digest === digest);
  if (directory === undefined) return undefined;
  for (const [id, entry] of entriesOf(directory))
    for (const { jwk, assurance, channel } of entry.keys)
      if (thumbprint(jwk) === keyId) {
        const roles = entry.roles.flatMap((held) => {
          if (typeof held === 'string') return [held];
          return atMs < Date.parse(held.until) ? [held.role] : [];
        });
        const groups = Object.entries(directory.excerpt.groups)
          .filter(([, { members }]) => members.includes(id))
          .map(([name]) => name);
        const active = entry.enabled && (entry.endDate === undefined || atMs < Date.parse(entry.endDate));
        const standsInFor = (directory.excerpt.delegations ?? [])
          .filter(
            ({ to, since, until }) => to === id && Date.parse(since) <= atMs && atMs < Date.parse(until),
          )
          .map(({ from }) => from);
        return { id, roles, groups, active, assurance, channel, standsInFor };
      }
  return undefined;
}

/** RFC 7638, by hand. */
function thumbprint({ crv, kty, x, y }: Readonly<Record<string, string>>): string {
  const members = kty === 'EC' ? { crv, kty, x, y } : { crv, kty, x };
  return createHash('sha256').update(JSON.stringify(members)).digest('base64url');
}

/** Requester, beneficiary, delegators, and whoever owns or sponsors one of them by any version of the directory. */
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
