import type { Account } from './account';
import type { Draft, DraftEntitlement, DraftGroup } from './draft';
import { at, itemsAt, leavesOf, type SourceNode, textAt } from './source';

/** A name that is neither a pattern nor a template. */
export const LITERAL = /^[^*{}^$\s][^*{}\s]*$/;

export interface Approval {
  readonly approvers: readonly DraftGroup[];
  readonly quorum: number;
}

interface GivenRole {
  readonly name: string;
  readonly document: SourceNode;
}

/** Kinds of targets that a role of Teleport gives something on, by the list that names it. */
const TARGETS = [
  {
    key: 'db_roles',
    labels: 'db_labels',
    kind: 'postgresql',
    what: 'databases',
    action: 'use',
    titled: 'database role',
    field: 'role',
  },
  {
    key: 'logins',
    labels: 'node_labels',
    kind: 'ssh-certificate',
    what: 'hosts',
    action: 'log-in',
    titled: 'login',
    field: 'principals',
  },
] as const;
type Target = (typeof TARGETS)[number];

/** Returns what a role gives that a grant can give as well: roles of databases, and logins on hosts. Leaves out the rest with the reason. */
export function targetsOf(
  role: GivenRole,
  approval: Approval,
  draft: Draft,
  account: Account,
): readonly DraftEntitlement[] {
  const allow = at(role.document, 'spec', 'allow');
  for (const key of ['kubernetes_groups', 'kubernetes_users', 'kubernetes_resources'])
    account.leave(
      at(allow, key),
      'a grant binds a role of the cluster, and what a group or user of it may do is in its bindings; import those (import kubernetes)',
    );
  for (const key of ['db_users', 'db_names'])
    account.leave(
      at(allow, key),
      'a grant gives a role to the own account of its holder, in the database of the connector; accounts are not shared',
    );
  return TARGETS.flatMap((target) => onTarget(target, role, approval, draft, account));
}

function onTarget(
  target: Target,
  { name, document }: GivenRole,
  approval: Approval,
  draft: Draft,
  account: Account,
): readonly DraftEntitlement[] {
  const { key, labels, kind, what, action, titled, field } = target;
  const allow = at(document, 'spec', 'allow');
  const labelled = at(allow, labels);
  const values = itemsAt(allow, key);
  if (values.length === 0) return [];
  const where = at(allow, `${labels}_expression`) === undefined ? plainLabels(labelled) : undefined;
  if (where === undefined || labelled === undefined) {
    for (const node of [at(allow, key), labelled])
      account.leave(
        node,
        `which targets it holds for is not said by plain labels (${labels}), so no target of ours can stand for them`,
      );
    return [];
  }
  return values.flatMap((node) => {
    const value = textAt(node) ?? '';
    if (!LITERAL.test(value) || /[,"'\\#?!=]/.test(value) || Buffer.byteLength(value) > 63) {
      account.leave(
        node,
        'is a pattern or a template, or no name that a target can have; name the exact one',
      );
      return [];
    }
    const connector = draft.connectorOf(
      where,
      `${what}-${where.replace(/\*=\*/, 'all')}`,
      kind,
      `${what} with the labels ${where}`,
    );
    const title = `${titled} ${value}, by the Teleport role ${name}`;
    for (const leaf of leavesOf(labelled)) account.express(leaf, `connector ${connector}`);
    account.express(node, `${title} (connector ${connector})`);
    const resource = `${name}/${value}`;
    const grant = { [field]: value };
    const of = `${key} ${name} ${where} ${value}`;
    return [draft.entitle(of, { connector, resource, action, title, grant, ...approval })];
  });
}

/** Returns labels as one text, or undefined if there are none, or one is a pattern or a template. */
function plainLabels(labels: SourceNode | undefined): string | undefined {
  if (labels?.kind !== 'map' || labels.entries.size === 0) return undefined;
  if (![...leavesOf(labels)].every((one) => /^(?:\*|[\w./:@-]+)$/.test(textAt(one) ?? ''))) return undefined;
  const valuesOf = (node: SourceNode): string => [...leavesOf(node)].map((one) => textAt(one)).join('|');
  return [...labels.entries].map(([label, node]) => `${label}=${valuesOf(node)}`).join(',');
}

/** Whether a name is made of these parts in order, with anything between them. */
export function matches(name: string, [first = '', ...rest]: readonly string[]): boolean {
  if (rest.length === 0) return name === first;
  if (!name.startsWith(first)) return false;
  let from = first.length;
  for (const part of rest.slice(0, -1)) {
    const found = name.indexOf(part, from);
    if (found < 0) return false;
    from = found + part.length;
  }
  const last = rest.at(-1) ?? '';
  return name.length - last.length >= from && name.endsWith(last);
}
