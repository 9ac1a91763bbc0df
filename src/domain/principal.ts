/** People and non-human identities. A principal's id is `<kind>/<name>`, for example `person/mira`. */

export type PrincipalId = string;

export const PRINCIPAL_KINDS = ['person', 'service', 'ci', 'bot', 'agent'] as const;
export type PrincipalKind = (typeof PRINCIPAL_KINDS)[number];

const PRINCIPAL_ID = /^(person|service|ci|bot|agent)\/[a-z0-9][a-z0-9._-]{0,62}$/;

/** Whether `value` has the form of a principal's id. Says nothing about whether the directory knows it. */
export function isPrincipalId(value: unknown): value is PrincipalId {
  return typeof value === 'string' && PRINCIPAL_ID.test(value);
}

/** Roles that carry authority over requests. They are fixed here so that no policy file can move them. */
export const GOVERNANCE_ROLES = [
  'iam-operations',
  'security-operations',
  'policy-administrator',
  'governance-delegate',
] as const;
/** May end other people's pending requests. */
export const PROCESS_OWNER_ROLE = 'process-owner';
/** May end other people's grants, as the people named in a request and its approvers may. */
export const REVOKER_ROLES = ['security-operations', 'iam-operations', PROCESS_OWNER_ROLE] as const;

/**
 * Role of a non-human identity, such as the gateway: it submits what others ask, attests who asked (at the assurance of a
 * channel), and records what became of it. It decides nothing.
 */
export const RECORDER_ROLE = 'recorder';

/**
 * Role of a non-human identity whose keys attest what people choose in a channel. Each of its keys attests for the one channel that it is
 * registered for, and nothing else.
 */
export const ATTESTER_ROLE = 'channel-attester';
/** Channels in which people may choose where a stage names the channel. */
export const CHANNELS = ['slack', 'mattermost'] as const;
export type ChannelName = (typeof CHANNELS)[number];

export const isChannel = (name: string): name is ChannelName =>
  (CHANNELS as readonly string[]).includes(name);

/** How strongly a statement is tied to its signer, weakest first. */
export const ASSURANCE_LEVELS = ['channel', 'key', 'phishing-resistant'] as const;
export type Assurance = (typeof ASSURANCE_LEVELS)[number];

/** Whether `actual` is at least as strong as `needed`. */
export function assuranceMeets(actual: Assurance, needed: Assurance): boolean {
  return ASSURANCE_LEVELS.indexOf(actual) >= ASSURANCE_LEVELS.indexOf(needed);
}

/** The stronger of two assurance levels. */
export function strongerAssurance(a: Assurance, b: Assurance): Assurance {
  return assuranceMeets(a, b) ? a : b;
}

/** Who someone is at one moment, by the directory. Recorded with each statement that they sign. */
export interface Standing {
  readonly id: PrincipalId;
  readonly kind: PrincipalKind;
  /** False for a disabled identity and for one past its end date. */
  readonly active: boolean;
  readonly roles: readonly string[];
  readonly groups: readonly string[];
  /** Approvers who are away and in whose place this one may decide at this moment. */
  readonly standsInFor?: readonly PrincipalId[];
}

export const isHuman = (standing: Standing): boolean => standing.kind === 'person';

export const hasAnyRole = (standing: Standing, roles: readonly string[]): boolean =>
  roles.some((role) => standing.roles.includes(role));
