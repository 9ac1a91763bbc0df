import { LIMITS } from '../../domain/limits';
import { UserError } from '../output';
import type { Account } from './account';
import type { Draft, DraftGroup } from './draft';
import type { Importer } from './kinds';
import { IMPORT_LIMITS, type ListNode, type ScalarNode, type SourceFile } from './source';

interface OwnedLine {
  readonly pattern: ScalarNode;
  readonly owners: readonly ScalarNode[];
}

/**
 * CODEOWNERS of GitHub. Each line becomes an entitlement to merge a change to its files, which one of its owners approves. The last line that
 * matches a file decides there, so each grant names the later patterns as exceptions.
 */
export const fromCodeowners: Importer = (files, draft, account) =>
  files.flatMap((file) => {
    const lines = linesOf(file, account);
    const owned = lines.read;
    for (const [index, line] of owned.entries()) ownersOf(line, owned.slice(index + 1), draft, account);
    return lines.roots;
  });

function linesOf({ file, text }: SourceFile, account: Account) {
  const texts = text.split(/\r?\n/);
  if (texts.length > IMPORT_LIMITS.nodes)
    throw new UserError(`${file}:1: has more than ${IMPORT_LIMITS.nodes} lines`, 1, 'BAD_SOURCE');
  const roots: ListNode[] = [];
  const read: OwnedLine[] = [];
  let section: string | undefined;
  for (const [index, whole] of texts.entries()) {
    const words = wordsOf(whole);
    if (words.length === 0) continue;
    const place = { file, line: index + 1 };
    const items = words.map(
      (value, at): ScalarNode => ({ ...place, kind: 'scalar', path: `word ${at + 1}`, value }),
    );
    const root: ListNode = { ...place, kind: 'list', path: words.join(' ').slice(0, 120), items };
    roots.push(root);
    const [pattern, ...owners] = items;
    if (/^\^?\[/.test(words[0] ?? '')) section = words[0];
    if (section !== undefined)
      account.leave(
        root,
        'sections (GitLab) ask for the approval of each section that matches, which no single path says',
      );
    else if (String(pattern?.value).startsWith('!'))
      account.leave(root, 'a pattern that begins with ! means nothing to GitHub');
    else if (pattern !== undefined) read.push({ pattern, owners });
  }
  return { roots, read };
}

/** The words of a line without its comment. A backslash keeps the space or the # that follows. */
function wordsOf(line: string): readonly string[] {
  const words = line.match(/(?:\\.|[^\s\\])+|\\/g) ?? [];
  const comment = words.findIndex((word) => word.startsWith('#'));
  return comment < 0 ? words : words.slice(0, comment);
}

function ownersOf(
  { pattern, owners }: OwnedLine,
  later: readonly OwnedLine[],
  draft: Draft,
  account: Account,
): void {
  const text = String(pattern.value);
  if (later.some((one) => one.pattern.value === pattern.value)) {
    leaveAll(pattern, owners, account, 'a later line has the same pattern, and the last one decides');
    return;
  }
  if (owners.length === 0) {
    account.express(pattern, 'nobody owns these files: no entitlement, and an exception of the lines before');
    return;
  }
  const except = later.map((one) => String(one.pattern.value)).join(' ');
  // The catalog holds 200 characters in a value of a grant.
  if (
    text.length > 150 ||
    except.length > 200 ||
    [text, except].some((one) => one.length > LIMITS.foreignNameCharacters)
  ) {
    leaveAll(
      pattern,
      owners,
      account,
      'the pattern, or those of the later lines that it must except, are too long for a grant; split the file',
    );
    return;
  }
  const groups = owners.flatMap((node) => approversIn(node, draft, account));
  if (groups.length === 0) {
    account.leave(pattern, 'none of its owners could be read');
    return;
  }
  const connector = draft.connector(
    'repository',
    'webhook',
    'Who may merge a change: your program behind a webhook',
  );
  const entitlement = draft.entitle(`${pattern.file} ${text}`, {
    connector,
    resource: text.replace(/^\/+/, '').replace(/\*/g, 'any') || 'all',
    action: 'merge',
    title: `merge a change to ${text}`,
    grant: { path: text, ...(except !== '' && { except }) },
    approvers: [...new Set(groups)],
    quorum: 1,
  });
  draft.permit(draft.group('contributors', 'contributors', 'Everybody who may ask to merge'), entitlement);
  account.express(pattern, `${connector}:${entitlement.resource}#merge, except what later lines own`);
}

function leaveAll(pattern: ScalarNode, owners: readonly ScalarNode[], account: Account, why: string): void {
  for (const node of [pattern, ...owners]) account.leave(node, why);
}

function approversIn(node: ScalarNode, draft: Draft, account: Account): readonly DraftGroup[] {
  const text = String(node.value);
  const [, team] = /^@([\w.-]+\/[\w.-]+)$/.exec(text) ?? [];
  if (team !== undefined) {
    const group = draft.group(`team ${team}`, team, `Team ${team}`);
    account.express(node, `group ${group.name}`);
    return [group];
  }
  const [, login] = /^@([\w-]+)$/.exec(text) ?? [];
  const person =
    login !== undefined || /^[^@\s]+@[^@\s]+$/.test(text) ? draft.person(login ?? text) : undefined;
  if (person === undefined) {
    account.leave(node, 'is not @user, @org/team or an email address that can be the id of a person');
    return [];
  }
  const group = draft.group(`only ${person}`, `only-${login ?? text}`, `Only ${login ?? text}`);
  group.members.add(person);
  account.express(node, person);
  return [group];
}
