import { UserError } from '../output';
import type { Account } from './account';
import type { Draft, DraftGroup } from './draft';
import type { Importer } from './kinds';
import { at, documentsOf, itemsAt, type SourceNode, textAt, unknownKey } from './source';

const ACCOUNT = /^\d{12}$/;
const KEYS = [
  ...['ResourceType', 'Resource', 'PermissionSet', 'Approvers'],
  ...['ApprovalIsNotRequired', 'AllowSelfApproval'],
];
const PERMISSION_SET = /^[\w+=,.@-]{1,32}$/;

interface Statement {
  readonly node: SourceNode;
  readonly accounts: readonly string[];
  readonly sets: readonly string[];
  readonly approvers: DraftGroup;
}

/** The approval configuration of sso-elevator: `statements` and `group_statements`, or the list of Terraform as JSON. */
export const fromSsoElevator: Importer = (files, draft, account) => {
  const roots = files.flatMap(documentsOf);
  const statements = roots.flatMap((root) => {
    const listed = root.kind === 'list' ? root : (at(root, 'statements') ?? at(root, 'config'));
    const grouped = at(root, 'group_statements') ?? at(root, 'group_config');
    if (listed === undefined && grouped === undefined)
      throw new UserError(
        `${root.file}:${root.line}: has no statements; give the JSON of the approval configuration, {"statements": […], "group_statements": […]}`,
        1,
        'BAD_SOURCE',
      );
    for (const node of itemsAt(grouped))
      account.leave(
        node,
        'is about a group of Identity Center; make it a scim-group target by hand, with the group by its name',
      );
    return itemsAt(listed).flatMap((node) => readStatement(node, draft, account));
  });
  for (const statement of statements) express(statement, statements, draft);
  return roots;
};

function readStatement(node: SourceNode, draft: Draft, account: Account): readonly Statement[] {
  const unknown = unknownKey(node, KEYS);
  if (unknown !== undefined) {
    account.leave(node, `has ${unknown}, which is not known here and might narrow it`);
    return [];
  }
  const type = at(node, 'ResourceType');
  if (type !== undefined && textAt(type) !== 'Account') {
    account.leave(node, 'which accounts an organizational unit has is not in the file; name the accounts');
    return [];
  }
  const accounts = literals(
    node,
    'Resource',
    ACCOUNT,
    account,
    'is not the twelve digits of an account; name each account, because what is not named is not given',
  );
  const sets = literals(
    node,
    'PermissionSet',
    PERMISSION_SET,
    account,
    'is not the name of a permission set; name each one, because what is not named is not given',
  );
  if (accounts.length === 0 || sets.length === 0) {
    account.leave(node, 'names no account and permission set exactly');
    return [];
  }
  account.express(type, 'accounts by their number');
  const emails = itemsAt(node, 'Approvers');
  const approvers = draft.group(
    `approvers ${emails
      .map((one) => textAt(one))
      .sort()
      .join(' ')}`,
    `approvers-${accounts[0]}`,
    `Approvers for ${accounts.join(', ')}`,
  );
  for (const email of emails) {
    const id = draft.person(textAt(email) ?? '');
    if (id === undefined)
      account.leave(email, 'cannot be the id of a person, or is too like that of another');
    else {
      approvers.members.add(id);
      account.express(email, `${id} in ${approvers.name}`);
    }
  }
  const alone = at(node, 'ApprovalIsNotRequired');
  if (textAt(alone) === 'true')
    account.leave(
      alone,
      'the draft has somebody approve everything; use @path("policy-alone") where you want nobody asked',
    );
  else account.express(alone, 'somebody approves');
  const self = at(node, 'AllowSelfApproval');
  if (textAt(self) === 'true')
    account.leave(self, 'nobody approves their own request here; name a second approver');
  else account.express(self, 'nobody approves their own request');
  return [{ node, accounts, sets, approvers }];
}

/** Returns the values that are exact names, and leaves out the others with the reason. */
function literals(
  node: SourceNode,
  key: string,
  exact: RegExp,
  account: Account,
  why: string,
): readonly string[] {
  return itemsAt(node, key).flatMap((item) => {
    const text = textAt(item) ?? '';
    if (exact.test(text)) {
      account.express(item, 'an entitlement of the catalog, for those in the group requesters');
      return [text];
    }
    account.leave(item, why);
    return [];
  });
}

/** Everybody may ask, and the approvers of every statement that is about the same approve, as there. */
function express({ accounts, sets }: Statement, all: readonly Statement[], draft: Draft): void {
  const requesters = draft.group('requesters', 'requesters', 'Everybody who may ask');
  const connector = draft.connector('aws', 'aws-identity-center', 'AWS accounts');
  for (const awsAccount of accounts)
    for (const set of sets) {
      const approvers = all
        .filter((one) => one.accounts.includes(awsAccount) && one.sets.includes(set))
        .map((one) => one.approvers);
      const entitlement = draft.entitle(`${awsAccount} ${set}`, {
        connector,
        resource: `${awsAccount}/${set}`,
        action: 'use',
        title: `permission set ${set} on the account ${awsAccount}`,
        grant: { account: awsAccount, permissionSet: placeholderArn(set) },
        approvers: [...new Set(approvers)],
        quorum: 1,
      });
      draft.permit(requesters, entitlement);
    }
  const note =
    'catalog.yaml: put the ARN of each permission set in place of those of ssoins-TO-COMPLETE, which exist nowhere';
  if (!draft.complete.includes(note)) draft.complete.push(note);
}

/** An ARN that AWS never gives, so that nothing is granted before somebody writes the right one. */
const placeholderArn = (set: string): string =>
  `arn:aws:sso:::permissionSet/ssoins-TO-COMPLETE/ps-${set.replace(/\W/g, '_')}`;
