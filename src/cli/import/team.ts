import { UserError } from '../output';
import type { Account } from './account';
import { boundedMs, type Draft, type DraftGroup } from './draft';
import type { Importer } from './kinds';
import {
  at,
  documentsOf,
  itemsAt,
  type ListNode,
  type MapNode,
  type SourceNode,
  textAt,
  unknownKey,
} from './source';

const ACCOUNT = /^\d{12}$/;
/** Members of an eligibility policy in the schema of TEAM, with those that its API adds. */
const KEYS = [
  ...['id', 'name', 'type', 'accounts', 'ous', 'permissions', 'ticketNo', 'approvalRequired', 'duration'],
  ...['modifiedBy', 'createdAt', 'updatedAt', '__typename'],
];
const ARN = /^arn:[\w-]+:sso:::\w+\/[\w-]+\/ps-\w+$/;

/**
 * Eligibility and approver policies of AWS IAM Identity Center TEAM, as its API (`listEligibilities`, `listApprovers`) or `aws dynamodb scan` of
 * its tables writes them.
 */
export const fromTeam: Importer = (files, draft, account) => {
  const roots = files.flatMap(documentsOf).map(withoutTypes);
  const rows = roots.flatMap(rowsIn);
  if (rows.length === 0)
    throw new UserError(
      `${files[0]?.file ?? 'the source'}:1: has no eligibility or approver policies; give the answer of listEligibilities or listApprovers, or of aws dynamodb scan`,
      1,
      'BAD_SOURCE',
    );
  const approvers = new Map<string, DraftGroup[]>();
  for (const row of rows)
    if (at(row, 'groupIds') ?? at(row, 'approvers')) approverPolicy(row, approvers, draft, account);
  for (const row of rows) {
    if (at(row, 'permissions') !== undefined) eligibility(row, approvers, draft, account);
    else if ((at(row, 'groupIds') ?? at(row, 'approvers')) === undefined)
      account.leave(
        row,
        'is neither an eligibility nor an approver policy; settings of the whole system are not read',
      );
  }
  return roots;
};

/** The rows of a scan, of an answer of the API, or of a plain list. */
function rowsIn(node: SourceNode): readonly SourceNode[] {
  if (node.kind === 'list') return node.items;
  if (node.kind === 'scalar') return [];
  const own = at(node, 'items') ?? at(node, 'Items');
  return own === undefined
    ? [...node.entries.values()].flatMap((one) => (one.kind === 'map' ? rowsIn(one) : []))
    : itemsAt(own);
}

/** Returns what DynamoDB writes as `{"S": "text"}` as the text, and so on. The values stay where they stand. */
function withoutTypes(node: SourceNode): SourceNode {
  if (node.kind === 'scalar') return node;
  if (node.kind === 'list') return { ...node, items: node.items.map(withoutTypes) } satisfies ListNode;
  const [only, ...others] = [...node.entries];
  if (only !== undefined && others.length === 0) {
    const [type, value] = only;
    if (['S', 'N', 'BOOL'].includes(type) && value.kind === 'scalar') return value;
    if ((type === 'L' || type === 'SS') && value.kind === 'list') return withoutTypes(value);
    if (type === 'M' && value.kind === 'map') return withoutTypes(value);
    if (type === 'NULL' && value.kind === 'scalar') return { ...value, value: null };
  }
  const entries = [...node.entries].map(([key, value]) => [key, withoutTypes(value)] as const);
  return { ...node, entries: new Map(entries) } satisfies MapNode;
}

const groupOf = (id: string, name: string, draft: Draft): DraftGroup =>
  draft.group(`group ${id}`, name, `Identity Center group ${name}`);

function approverPolicy(
  row: SourceNode,
  approvers: Map<string, DraftGroup[]>,
  draft: Draft,
  account: Account,
): void {
  const idNode = at(row, 'id');
  const id = textAt(idNode) ?? '';
  if (!ACCOUNT.test(id)) {
    account.leave(
      row,
      'which accounts an organizational unit has is not in the file; give each account an approver policy',
    );
    return;
  }
  account.express(idNode, 'account whose grants they approve');
  const names = itemsAt(row, 'approvers');
  const ids = itemsAt(row, 'groupIds');
  for (const [index, node] of ids.entries()) {
    const name = (ids.length === names.length ? textAt(names[index]) : undefined) ?? textAt(node) ?? '';
    const group = groupOf(textAt(node) ?? name, name, draft);
    approvers.set(id, [...(approvers.get(id) ?? []), group]);
    for (const one of ids.length === names.length ? [node, names[index]] : [node])
      account.express(one, `${group.name} approves for ${id}`);
  }
}

function eligibility(
  row: SourceNode,
  approvers: ReadonlyMap<string, readonly DraftGroup[]>,
  draft: Draft,
  account: Account,
): void {
  const unknown = unknownKey(row, KEYS);
  if (unknown !== undefined) {
    account.leave(row, `has ${unknown}, which is not known here and might narrow it`);
    return;
  }
  const who = entityOf(row, draft, account);
  const hours = Number(textAt(row, 'duration') ?? Number.NaN);
  const maxMs = Number.isInteger(hours) && hours >= 1 && hours <= 8_760 ? boundedMs(`${hours}h`) : undefined;
  if (who === undefined) return;
  if (maxMs === undefined) {
    account.leave(row, 'has no maximum duration in whole hours');
    return;
  }
  account.express(at(row, 'duration'), `the longest grant: ${hours}h, or 30d if that is less`);
  const alone = at(row, 'approvalRequired');
  if (textAt(alone) === 'false')
    account.leave(
      alone,
      'the draft has somebody approve everything; use @path("policy-alone") where you want nobody asked',
    );
  else account.express(alone, 'somebody approves');
  account.leave(
    at(row, 'ous'),
    'which accounts an organizational unit has is not in the file; name the accounts',
  );
  const connector = draft.connector('aws', 'aws-identity-center', 'AWS accounts');
  const sets = itemsAt(row, 'permissions').filter((set) => {
    const isExact = ARN.test(textAt(set, 'id') ?? '');
    if (!isExact) account.leave(set, 'has no ARN of a permission set as its id');
    return isExact;
  });
  for (const node of itemsAt(row, 'accounts')) {
    const awsAccount = textAt(node, 'id') ?? '';
    const groups = approvers.get(awsAccount);
    if (!ACCOUNT.test(awsAccount)) account.leave(node, 'has no twelve digits of an account as its id');
    else if (groups === undefined)
      account.leave(
        node,
        'no approver policy is for this account, so nobody could approve; add one, there or here',
      );
    else if (sets.length === 0) account.leave(node, 'no permission set could be read');
    else {
      account.express(at(node, 'id'), `${who.name} may ask for ${sets.length} permission sets on it`);
      account.express(at(node, 'name'), 'title of the entitlement');
      for (const set of sets) {
        const arn = textAt(set, 'id') ?? '';
        const setName = textAt(set, 'name') ?? arn.replace(/^.*\//, '');
        for (const key of ['id', 'name']) account.express(at(set, key), `permission set ${setName}`);
        const entitlement = draft.entitle(`${awsAccount} ${arn}`, {
          connector,
          resource: `${awsAccount}/${setName}`,
          action: 'use',
          title: `permission set ${setName} on ${textAt(node, 'name') ?? awsAccount}`,
          grant: { account: awsAccount, permissionSet: arn },
          approvers: [...new Set(groups)],
          quorum: 1,
        });
        draft.permit(who, entitlement, maxMs);
      }
    }
  }
}

/** Who is eligible: a group, or a group of one for a user. */
function entityOf(row: SourceNode, draft: Draft, account: Account): DraftGroup | undefined {
  const [idNode, nameNode, typeNode] = ['id', 'name', 'type'].map((key) => at(row, key));
  const id = textAt(idNode);
  const name = textAt(nameNode) ?? id;
  const type = textAt(typeNode);
  if (id === undefined || name === undefined || (type !== 'Group' && type !== 'User')) {
    account.leave(row, 'names no user or group of Identity Center');
    return undefined;
  }
  const person = type === 'User' ? draft.person(name) : undefined;
  if (type === 'User' && person === undefined) {
    account.leave(row, 'the name cannot be the id of a person, or is too like that of another');
    return undefined;
  }
  const group =
    type === 'Group' ? groupOf(id, name, draft) : draft.group(`user ${id}`, `only-${name}`, `Only ${name}`);
  if (person !== undefined) {
    group.members.add(person);
    const known = draft.people.get(person);
    if (known !== undefined) known.accounts['aws'] = name;
  }
  for (const node of [idNode, nameNode, typeNode]) account.express(node, person ?? `group ${group.name}`);
  return group;
}
