import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { FileProblem } from '../../directory/yaml-file';
import { explore, FileTicketSource, loadBundle } from '../../policy';
import type { Texts } from '../init/bundle-text';
import { Account, type Accounted } from './account';
import { Draft } from './draft';
import { draftTexts } from './draft-text';
import type { Importer } from './kinds';
import type { SourceFile } from './source';

export interface Drafted {
  readonly texts: Texts;
  readonly accounted: Accounted;
  /** What keeps the draft from being a valid bundle. */
  readonly problems: readonly FileProblem[];
  /** What somebody has to add before the bundle can be used. */
  readonly complete: readonly string[];
}

/** Drafts a bundle from the files of one kind, and checks it as `policy check` does. */
export async function draftOf(kind: string, read: Importer, files: readonly SourceFile[]): Promise<Drafted> {
  const draft = new Draft();
  const account = new Account();
  const accounted = account.accounted(read(files, draft, account));
  toComplete(draft);
  const { problems, unreachable, undecided } = await checked(draftTexts(kind, draft, accounted));
  for (const { file, line, message } of unreachable) draft.complete.push(`${file}:${line}: ${message}`);
  if (undecided > 0)
    draft.complete.push(
      `policy check says that ${undecided} policies never decide, until somebody in their groups has an account on the connector (accounts: in directory.yaml)`,
    );
  return { texts: draftTexts(kind, draft, accounted), accounted, problems, complete: draft.complete };
}

function toComplete(draft: Draft): void {
  const { complete } = draft;
  if (draft.permits.length === 0)
    complete.push('access.cedar permits nothing: nothing that the source gives could be expressed');
  complete.push(
    'directory.yaml: name two people who govern, and make them the members of the group reviewers',
  );
  if (draft.people.size > 0)
    complete.push(
      `directory.yaml: ${draft.people.size} people have no key; let them enrol a passkey, or add their public keys`,
    );
  const empty = draft.groups().filter(({ members }) => members.size === 0);
  for (const { name, title } of empty)
    complete.push(
      `directory.yaml: the group ${name} (${title}) has no members; name them, or fill it from a source (sources.yaml)`,
    );
  if (draft.workloads.size > 0)
    complete.push(
      `directory.yaml: ${draft.workloads.size} identities need an owner and a sponsor in place of person/to-be-named`,
    );
  for (const [name, { kind, title }] of draft.connectors)
    complete.push(`the connector ${name} (${kind}) needs settings and the account of each holder: ${title}`);
}

interface Checked {
  readonly problems: readonly FileProblem[];
  readonly unreachable: readonly FileProblem[];
  /** How many policies match no request, because nobody is in their groups yet. */
  readonly undecided: number;
}

async function checked(texts: Texts): Promise<Checked> {
  const dir = await mkdtemp(path.join(tmpdir(), 'countersign-import-'));
  try {
    for (const [name, text] of texts) {
      await mkdir(path.dirname(path.join(dir, name)), { recursive: true });
      await writeFile(path.join(dir, name), text);
    }
    const loaded = await loadBundle(path.join(dir, 'bundle'), new FileTicketSource(undefined));
    if (!loaded.ok) return { problems: loaded.problems, unreachable: [], undecided: 0 };
    const { context, identities, unreachable } = loaded.bundle;
    return { problems: [], unreachable, undecided: explore(context, identities, Date.now()).problems.length };
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}
