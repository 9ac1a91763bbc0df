import { findDefinition } from '../../connectors';
import type { TargetControl } from '../../connectors/definition';
import { formatDuration, parseDuration } from '../../contracts/duration';
import { editorHeader } from '../schemas/file-schemas';
import type { Answers, Person } from './answers';
import { accessText, GUARD, schemaText } from './cedar-text';
import { namesIn, q } from './names';

/** Texts of files, by their path in the folder. */
export type Texts = ReadonlyMap<string, string>;

const GATEWAY = 'service/gateway';

/** Controls that every target has, if its kind names none of its own. */
export const USUAL_CONTROLS: readonly TargetControl[] = [
  {
    name: 'audit-logging',
    title: 'Record of what was done on the target',
    safeWay: 'Ask those who keep the record for a filter that hides what is too much; the record stays.',
  },
  {
    name: 'sign-in',
    title: 'How accounts prove who they are on the target',
    safeWay: 'Ask the administrators of the target for a second way to sign in; the first stays.',
  },
];

export const OWN_CONTROLS: readonly (TargetControl & {
  readonly resource: string;
  readonly effect: string;
})[] = [
  {
    name: 'approval-policy',
    title: 'The approval policy',
    safeWay: 'Propose the change as a pull request to the bundle, where a governor reviews it.',
    resource: 'policy',
    effect: 'weakens',
  },
  {
    name: 'people-and-keys',
    title: 'People, roles and keys',
    safeWay: 'Propose the change as a pull request to directory.yaml.',
    resource: 'directory',
    effect: 'weakens',
  },
  {
    name: 'time-limits',
    title: 'When access ends',
    safeWay: 'Ask for the access again when it is needed.',
    resource: 'leases',
    effect: 'waives',
  },
];

/** Everyone in the directory who signs something, each once. */
export const signersOf = (answers: Answers): readonly string[] => [
  ...new Set([
    ...[...answers.governor, ...answers.approver, answers.owner].map(({ id }) => id),
    answers.workload,
    GATEWAY,
  ]),
];

/** Returns the files of the bundle, without keys. */
export function bundleTexts(answers: Answers): Texts {
  return new Map([
    ['bundle/directory.yaml', directoryText(answers)],
    ['bundle/catalog.yaml', catalogText(answers)],
    ['bundle/paths.yaml', pathsText(answers)],
    ['bundle/schema.cedarschema', schemaText([answers.action])],
    ['bundle/access.cedar', accessText(answers)],
    ['bundle/guard.cedar', GUARD],
    ['bundle/tests/access.yaml', testsText(answers)],
  ]);
}

function directoryText(answers: Answers): string {
  const { company, governor, team, approver, workload, owner, sponsor, connector, account } = answers;
  const { approvers, workloads } = namesIn(answers);
  const others = [owner, sponsor].filter(
    ({ id }, index, all) =>
      ![...governor, ...approver].some((one) => one.id === id) &&
      all.findIndex((one) => one.id === id) === index,
  );
  const line = ({ id, name }: Person, more = ''): string => `  ${id}: { name: ${q(name)}${more} }\n`;
  const members = (people: readonly Person[]): string => people.map(({ id }) => q(id)).join(', ');
  return `${editorHeader('schemas', 'directory')}# People of ${company}, identities that are not people, groups, roles and public keys. Private keys never come here.

people:
  # They govern: they invite people, unblock stalled requests, and approve nothing.
${governor.map((one) => line(one, ', roles: [iam-operations, policy-administrator]')).join('')}  # They approve for ${team}.
${approver.map((one) => line(one)).join('')}${others.length === 0 ? '' : `  # They answer for pipelines and agents.\n${others.map((one) => line(one)).join('')}`}
identities:
  ${workload}:
    title: ${q(`${workload} of ${team}`)}
    owner: ${owner.id} # may ask for it; cannot approve its requests
    sponsor: ${sponsor.id}
    accounts: { ${q(connector)}: ${q(account)} } # its account on the target, which gets the access
  ${GATEWAY}:
    title: The gateway, which attests who asked and records what became of it
    owner: ${owner.id}
    sponsor: ${sponsor.id}
    roles: [recorder, enforcement-point]

groups:
  ${q(approvers)}: { title: ${q(`Approvers of ${team}`)}, members: [${members(approver)}] }
  ${q(workloads)}: { title: ${q(`Pipelines and agents of ${team}`)}, members: [${q(workload)}] }
  reviewers: { title: Reviewers of grants that owe a review, members: [${members(governor)}] }
`;
}

function catalogText(answers: Answers): string {
  const { company, kind, connector, resource, action, grant } = answers;
  const definition = findDefinition(kind);
  const own = definition?.controls ?? USUAL_CONTROLS;
  const fields = Object.entries(grant).map(([name, value]) => `${q(name)}: ${q(value)}`);
  const owners = q(namesIn(answers).approvers);
  return `${editorHeader('schemas', 'catalog')}# What exists, what can be asked of it, and what is a control.

connectors:
  ${q(connector)}: { kind: ${kind}, title: ${q(`${company}: ${definition?.title ?? kind}`)} }

# No connector reaches these. They are listed so that requests against their controls are recognised and stopped.
systems:
  countersign: This system itself

# Nobody can be asked to weaken one of these: such a request ends at once, with the safe way.
controls:
${[...own, ...OWN_CONTROLS].map(({ name, title, safeWay }) => `  ${name}: { title: ${q(title)}, safeWay: ${q(safeWay)} }\n`).join('')}
resources:
  ${q(`${connector}:${resource}`)}:
    title: ${q(`${resource} on ${connector}`)}
    owners: ${owners}
    guardedBy: [${own.map(({ name }) => name).join(', ')}]
    actions:
      ${q(action)}: { title: ${q(`${action} ${resource} on ${connector}`)}, grant: { ${fields.join(', ')} } }
${own
  .map(
    ({ name, title }) => `  ${q(`${connector}:${name}`)}:
    title: ${q(title)}
    owners: ${owners}
    actions:
      disable: { title: ${q(`Disable: ${title}`)}, effect: disables, control: ${name} }
      exempt: { title: ${q(`Exempt somebody: ${title}`)}, effect: waives, control: ${name} }
`,
  )
  .join('')}${OWN_CONTROLS.map(
  ({ name, title, resource: place, effect }) => `  countersign:${place}:
    title: ${q(title)}
    owners: ${owners}
    actions:
      ${effect === 'waives' ? 'exempt' : 'change'}: { title: ${q(`Change: ${title}`)}, effect: ${effect}, control: ${name} }
`,
).join('')}`;
}

function pathsText(answers: Answers): string {
  const { path } = namesIn(answers);
  return `${editorHeader('schemas', 'paths')}# Who approves, how long each stage waits, and on which grounds governance may step in.

ticketPattern: "[A-Z]{2,10}-[0-9]{1,7}"

rerouteReasons:
  approver-absent: The approver is away and has no delegate
  approver-left: The approver has left the team
  conflict-found: The approver turned out to be in conflict

# How many emergency grants one identity, or one requester, may have. There is no emergency yet: a policy with @emergency makes one.
emergencies: { within: 7d, limit: 3 }

# A repeated request goes to more people after a refusal. Past the limits it is refused.
askingAgain: { within: 24h, limit: 3, nearLimit: 10, openLimit: 20, raiseQuorumBy: 1 }

# Words that are pointed out to approvers. They decide nothing.
scrutiny:
  temporarily: All access ends by itself; what else is being asked for?
  just this once: Would it be right every time?

reviewers: reviewers

paths:
  ${q(path)}:
    title: ${q(`One of the approvers of ${answers.team}`)}
    maxDuration: ${answers.maxDuration}
    stages:
      - name: team
        approvers: [resource-owners] # the group that owns what is asked for: \`owners\` in catalog.yaml
        # substitutes: [another-team] # groups from which a governor may name a replacement
        quorum: 1
        assurance: key
        remindAfter: 15m
        escalateAfter: 1h
        expireAfter: 8h
`;
}

function testsText(answers: Answers): string {
  const { governor, approver, workload, owner, sponsor, connector, maxDuration, kind } = answers;
  const { entitlement, policy } = namesIn(answers);
  const [control] = findDefinition(kind)?.controls ?? USUAL_CONTROLS;
  const parties = [owner.id, sponsor.id];
  const able = approver.filter(({ id }) => !parties.includes(id)).map(({ id }) => id);
  const longer = formatDuration((parseDuration(maxDuration) ?? 0) + 60_000);
  const request = `requester: ${workload}, entitlement: ${q(entitlement)}, duration: ${maxDuration}`;
  const [stranger] = able;
  return `${editorHeader('../schemas', 'tests')}# What the bundle is meant to decide. \`countersign policy test\` runs these as of today.

- name: the workload gets access if one approver of the team signs, never its owner or sponsor
  request: { ${request} }
  expect: { outcome: approve, policies: [${q(policy)}], stages: { team: [${able.map(q).join(', ')}] }, maxDuration: ${maxDuration} }

- name: its owner may ask for it
  request: { requester: ${owner.id}, beneficiary: ${workload}, entitlement: ${q(entitlement)}, duration: ${maxDuration} }
  expect: { outcome: approve }

- name: nobody else asks for it
  request: { requester: ${stranger ?? owner.id}, beneficiary: ${workload}, entitlement: ${q(entitlement)} }
  expect: { outcome: refuse, reason: FORBIDDEN_BY_POLICY, policies: [no-strangers-errands] }

- name: not for longer than the limit
  request: { requester: ${workload}, entitlement: ${q(entitlement)}, duration: ${longer} }
  expect: { outcome: refuse, reason: DURATION_OVER_LIMIT }

- name: what no policy permits is refused, to governors too
  request: { requester: ${governor[0]?.id ?? owner.id}, entitlement: ${q(entitlement)} }
  expect: { outcome: refuse, reason: NO_MATCHING_POLICY }

- name: nobody is asked to switch off a control
  request: { requester: ${workload}, entitlement: ${q(`${connector}:${control?.name ?? ''}#disable`)} }
  expect: { outcome: hard_stop, reason: CONTROL_WEAKENING }

- name: being in a hurry is no emergency
  request: { ${request}, emergency: in-a-hurry }
  expect: { outcome: refuse, reason: EMERGENCY_NOT_NAMED }

- name: asked again after a refusal, it takes two people
  request: { ${request} }
  past: { timesAsked: 1 }
  expect: { outcome: approve, stages: { team: 2 } }

- name: the fourth time within a day is one too many
  request: { ${request} }
  past: { timesAsked: 3 }
  expect: { outcome: refuse, reason: ASKED_TOO_OFTEN }
`;
}
