import { findDefinition } from '../../connectors';
import { formatDuration } from '../../contracts/duration';
import { schemaTexts } from '../init/beside-text';
import { OWN_CONTROLS, type Texts, USUAL_CONTROLS } from '../init/bundle-text';
import { GUARD, schemaText } from '../init/cedar-text';
import { q } from '../init/names';
import { editorHeader } from '../schemas/file-schemas';
import type { Accounted, Row } from './account';
import type { Draft, DraftEntitlement } from './draft';

/** Stands for the owner of an identity whose owner the source does not name. It is locked out. */
const UNNAMED = 'person/to-be-named';

/** Returns the files of a draft, with a page that lists what was expressed, what was not, and what to complete. */
export function draftTexts(kind: string, draft: Draft, accounted: Accounted): Texts {
  return new Map([
    ['bundle/directory.yaml', directoryText(draft)],
    ['bundle/catalog.yaml', catalogText(draft)],
    ['bundle/paths.yaml', pathsText(draft)],
    ['bundle/schema.cedarschema', schemaText([...new Set(['use', ...actionsOf(draft)])])],
    ['bundle/access.cedar', accessText(draft)],
    ['bundle/guard.cedar', GUARD],
    ...schemaTexts(),
    ['IMPORT.md', reportText(kind, draft, accounted)],
  ]);
}

const actionsOf = (draft: Draft): readonly string[] =>
  [...draft.entitlements.values()].map(({ action }) => action);

const accountsText = (accounts: Readonly<Record<string, string>>): string => {
  const all = Object.entries(accounts).map(([connector, account]) => `${q(connector)}: ${q(account)}`);
  return all.length === 0 ? '' : `accounts: { ${all.join(', ')} }`;
};

function directoryText(draft: Draft): string {
  const people = [...draft.people].map(([id, { name, accounts }]) => {
    const more = accountsText(accounts);
    return `  ${q(id)}: { name: ${q(name)}${more && `, ${more}`} }\n`;
  });
  const workloads = [...draft.workloads].map(
    ([id, { title, accounts }]) =>
      `  ${q(id)}: { title: ${q(title)}, owner: ${UNNAMED}, sponsor: ${UNNAMED}, ${accountsText(accounts)} }\n`,
  );
  const unnamed =
    draft.workloads.size === 0
      ? ''
      : `  ${UNNAMED}: { name: To be named, enabled: false } # name owners and sponsors in its place\n`;
  const groups = draft
    .groups()
    .map(
      ({ name, title, members }) =>
        `  ${q(name)}: { title: ${q(title)}, members: [${[...members].map(q).join(', ')}] }\n`,
    );
  const map = (name: string, lines: readonly string[]): string =>
    lines.length === 0 ? `${name}: {}\n\n` : `${name}:\n${lines.join('')}\n`;
  return `${editorHeader('schemas', 'directory')}# A draft. Nobody has a key yet, and nobody governs: name two governors with roles: [iam-operations, policy-administrator].

${map('people', [...people, ...(unnamed && [unnamed])])}${map('identities', workloads)}${map('groups', [...groups, `  reviewers: { title: Reviewers of grants that owe a review, members: [] }\n`])}`;
}

function catalogText(draft: Draft): string {
  const connectors = [...draft.connectors].map(
    ([name, { kind, title }]) => `  ${q(name)}: { kind: ${kind}, title: ${q(title)} }\n`,
  );
  const kinds = [...draft.connectors].map(([name, { kind }]) => ({
    name,
    controls: findDefinition(kind)?.controls ?? USUAL_CONTROLS,
  }));
  const controls = new Map(
    [...kinds.flatMap((one) => one.controls), ...OWN_CONTROLS].map(
      (control) => [control.name, control] as const,
    ),
  );
  const [first] = draft.entitlements.values();
  const owners = q(first?.approvers[0]?.name ?? 'reviewers');
  const resources = [...draft.entitlements.values()].map(
    (one) => `  ${q(`${one.connector}:${one.resource}`)}:
    title: ${q(one.title)}
    owners: ${q(one.approvers[0]?.name ?? 'reviewers')}
    guardedBy: [${kinds
      .filter(({ name }) => name === one.connector)
      .flatMap((kind) => kind.controls.map(({ name }) => name))
      .join(', ')}]
    actions:
      ${q(one.action)}: { title: ${q(one.title)}, grant: { ${Object.entries(one.grant)
        .map(([key, value]) => `${key}: ${q(value)}`)
        .join(', ')} } }
`,
  );
  const guarded = kinds.flatMap(({ name, controls: own }) =>
    own.map(
      (control) => `  ${q(`${name}:control-${control.name}`)}:
    title: ${q(control.title)}
    owners: ${owners}
    actions:
      disable: { title: ${q(`Disable: ${control.title}`)}, effect: disables, control: ${control.name} }
`,
    ),
  );
  const ownGuarded = OWN_CONTROLS.map(
    ({ name, title, resource, effect }) => `  countersign:${resource}:
    title: ${q(title)}
    owners: ${owners}
    actions:
      ${effect === 'waives' ? 'exempt' : 'change'}: { title: ${q(`Change: ${title}`)}, effect: ${effect}, control: ${name} }
`,
  );
  return `${editorHeader('schemas', 'catalog')}# A draft: what can be asked for.

connectors:${connectors.length === 0 ? ' {}\n' : `\n${connectors.join('')}`}
systems:
  countersign: This system itself

controls:
${[...controls.values()].map(({ name, title, safeWay }) => `  ${name}: { title: ${q(title)}, safeWay: ${q(safeWay)} }\n`).join('')}
resources:
${[...resources, ...guarded, ...ownGuarded].join('')}`;
}

/** Entitlements whose approval is alike go by the same path. */
const pathOf = ({ approvers, quorum }: DraftEntitlement): string =>
  `${quorum}-of-${approvers.map(({ name }) => name).join('+')}`;

/** Returns the paths by how they approve, each with a name that is short enough. */
function pathsIn(
  draft: Draft,
): ReadonlyMap<string, { readonly name: string; readonly of: DraftEntitlement }> {
  const paths = new Map<string, { readonly name: string; readonly of: DraftEntitlement }>();
  for (const of of draft.entitlements.values()) {
    const key = pathOf(of);
    if (!paths.has(key)) paths.set(key, { name: `path-${paths.size + 1}`, of });
  }
  return paths;
}

function pathsText(draft: Draft): string {
  const paths = [...pathsIn(draft).values()].map(
    ({ name, of: { approvers, quorum } }) => `  ${name}:
    title: ${q(`${quorum} of ${approvers.map(({ name: group }) => group).join(', ')}`.slice(0, 190))}
    stages:
      - name: approval
        approvers: [${approvers.map(({ name: group }) => q(group)).join(', ')}]
        quorum: ${quorum}
        assurance: key
        remindAfter: 15m
        escalateAfter: 1h
        expireAfter: 8h
`,
  );
  return `${editorHeader('schemas', 'paths')}# A draft: who approves. The times are usual ones, because the source says nothing of them.

ticketPattern: "[A-Z]{2,10}-[0-9]{1,7}"

rerouteReasons:
  approver-absent: The approver is away and has no delegate
  approver-left: The approver has left the team
  conflict-found: The approver turned out to be in conflict

reviewers: reviewers

paths:${paths.length === 0 ? ' {}\n' : `\n${paths.join('')}`}`;
}

const resourceText = ({ connector, resource }: DraftEntitlement): string => q(`${connector}:${resource}`);

function accessText(draft: Draft): string {
  const paths = pathsIn(draft);
  const permits = draft.permits.map(
    ({ group, entitlement, maxMs }, index) => `
@id("imported-${index + 1}")
@title(${q(`${group.name}: ${entitlement.title}`.slice(0, 190))})
@path(${q(paths.get(pathOf(entitlement))?.name ?? '')})
@max_duration(${q(formatDuration(maxMs))})
permit (
  principal in Group::${q(group.name)},
  action == Action::${q(entitlement.action)},
  resource == Resource::${resourceText(entitlement)}
);
`,
  );
  const forbids = draft.forbids.map(
    ({ group, title, entitlement }, index) => `
@id("denied-${index + 1}")
@title(${q(title)})
@safe_way("Ask the governors whether the denial still holds.")
forbid (
  principal in Group::${q(group.name)},
  action,
  resource${entitlement === undefined ? '' : ` == Resource::${resourceText(entitlement)}`}
);
`,
  );
  return `// A draft: who may ask for what. What no policy here permits is refused.\n${[...permits, ...forbids].join('')}`;
}

const md = (text: string): string => text.replace(/[|\\`<>[\]*_]/g, '\\$&');

function reportText(kind: string, draft: Draft, { expressed, left }: Accounted): string {
  const rows = (all: readonly Row[]): string =>
    all.map(({ file, line, path, text }) => `| ${md(file)}:${line} | ${md(path)} | ${md(text)} |\n`).join('');
  return `# Imported from ${kind}

The bundle in \`bundle/\` is a draft. It gives nobody more than the source did, and nobody anything before it is completed.

## To complete

${draft.complete.map((one) => `- ${md(one)}\n`).join('')}
## Left out

What the source says and the draft does not.

| where | what | why |
|---|---|---|
${rows(left)}
## Expressed

| where | what | as |
|---|---|---|
${rows(expressed)}`;
}
