import type { PrincipalId, PrincipalKind, Standing } from '../../../src/domain/principal';

/** The people in every test of the core. Each name is that person's role in the request of `aRequest()`. */
const cast: Standing[] = [];

function member(id: PrincipalId, groups: readonly string[] = [], roles: readonly string[] = []): PrincipalId {
  const kind = id.slice(0, id.indexOf('/')) as PrincipalKind;
  cast.push({ id, kind, active: true, roles, groups });
  return id;
}

export const REQUESTER = member('agent/requester');
export const BENEFICIARY = member('service/beneficiary');
export const SPONSOR = member('person/sponsor', ['leads', 'security']);
export const OWNER = member('person/owner', ['leads', 'security']);
export const DELEGATOR = member('person/delegator', ['leads', 'security']);

export const LEAD_1 = member('person/lead-1', ['leads']);
export const LEAD_2 = member('person/lead-2', ['leads']);
export const LEAD_3 = member('person/lead-3', ['leads']);
export const SECURITY_1 = member('person/security-1', ['security']);
export const SECURITY_2 = member('person/security-2', ['security']);
/** May decide both stages, as some people in small companies may. */
export const LEAD_IN_SECURITY = member('person/lead-in-security', ['leads', 'security']);
/** A delegate of the first lead, by the directory. */
export const DEPUTY = member('person/deputy');
/** Was a delegate of the second lead, and no longer is by the directory. */
export const FORMER_DEPUTY = member('person/former-deputy');
/** Can be put in only by an emergency reroute. */
export const STANDBY = member('person/standby', ['standby']);
export const CHIEF_1 = member('person/chief-1', ['chiefs']);
export const CHIEF_2 = member('person/chief-2', ['chiefs']);
export const SUBSTITUTE_1 = member('person/substitute-1', ['substitutes']);
export const SUBSTITUTE_2 = member('person/substitute-2', ['substitutes']);
/** Listed as approvers, but not allowed to approve. */
export const LEAD_WHO_LEFT = member('person/lead-who-left', ['sales']);
export const BOT_AMONG_LEADS = member('bot/lead', ['leads']);
export const LEAD_IN_GOVERNANCE = member('person/lead-in-governance', ['leads'], ['iam-operations']);

export const IAM = member('person/iam', ['substitutes'], ['iam-operations']);
export const SECOPS = member('person/secops', [], ['security-operations']);
export const POLICY_ADMIN = member('person/policy-admin', [], ['policy-administrator']);
export const DELEGATE = member('person/delegate', [], ['governance-delegate']);
export const PROCESS_OWNER = member('person/process-owner', [], ['process-owner']);
export const REVIEWER = member('person/reviewer');
export const BYSTANDER = member('person/bystander');
export const ROGUE_BOT = member('bot/rogue', ['leads', 'substitutes'], ['iam-operations', 'process-owner']);
export const RECORDER = member('service/recorder', [], ['recorder']);
export const DISABLED_LEAD = member('person/disabled-lead', ['leads']);

const peculiar: Readonly<Record<PrincipalId, Partial<Standing>>> = {
  [DISABLED_LEAD]: { active: false },
  [DEPUTY]: { standsInFor: [LEAD_1, LEAD_2] },
};

const standings: ReadonlyMap<PrincipalId, Standing> = new Map(
  cast.map((one) => [one.id, { ...one, ...peculiar[one.id] }]),
);

export const EVERYBODY: readonly PrincipalId[] = [...standings.keys()];

/** Returns someone's standing by the directory; people who are not listed have no roles. */
export function standingOf(id: PrincipalId): Standing {
  return standings.get(id) ?? { id, kind: 'person', active: true, roles: [], groups: [] };
}
