import { z } from 'zod';
import type { FileProblem } from '../../directory/yaml-file';
import type { BundleFiles } from '../load/bundle-folder';
import { splitPolicies } from '../load/cedar-source';

/** A change to a bundle: new policies, and a clause that excludes some requests from existing ones. */
export interface ProposedChange {
  readonly add: string;
  readonly exempt: { readonly policies: readonly string[]; readonly clause: string };
}

/** The file of a bundle that receives proposed policies. */
const PROPOSAL_FILE = 'proposal.cedar';

const change = z.object({
  add: z.string(),
  exempt: z.object({ policies: z.array(z.string()), clause: z.string() }),
});
const report = z.object({ findings: z.array(z.object({ subject: z.string(), change: change.optional() })) });

/** Reads the changes that a friction report proposes (`countersign friction --json`), each with its subject. */
export function proposedIn(
  value: unknown,
): readonly { readonly subject: string; readonly change: ProposedChange }[] | undefined {
  const read = report.safeParse(value);
  if (!read.success) return undefined;
  return read.data.findings.flatMap((finding) =>
    finding.change === undefined ? [] : [{ subject: finding.subject, change: finding.change }],
  );
}

type Changed =
  | { readonly ok: true; readonly files: BundleFiles }
  | { readonly ok: false; readonly problems: readonly FileProblem[] };

/** Returns the files of a bundle with a change applied. The files on disk are not changed. */
export function withChange(files: BundleFiles, { add, exempt }: ProposedChange): Changed {
  const changed = new Map(files);
  for (const id of exempt.policies) {
    const found = [...changed].find(([, text]) => indexOfEnd(text, id) !== undefined);
    const end = found && indexOfEnd(found[1], id);
    if (found === undefined || end === undefined) {
      const message = `there is no policy ${id} in this bundle; the proposal was made for another`;
      return { ok: false, problems: [{ file: PROPOSAL_FILE, line: 1, message }] };
    }
    const [name, text] = found;
    changed.set(name, `${text.slice(0, end)}\n${exempt.clause}${text.slice(end)}`);
  }
  changed.set(PROPOSAL_FILE, `${changed.get(PROPOSAL_FILE) ?? ''}${add}\n`);
  return { ok: true, files: changed };
}

/** Returns the index of the semicolon that ends a policy. */
function indexOfEnd(source: string, id: string): number | undefined {
  let from = 0;
  for (const { text } of splitPolicies('', source)) {
    const start = source.indexOf(text, from);
    from = start + text.length;
    if (text.includes(`@id(${JSON.stringify(id)})`)) return from - 1;
  }
  return undefined;
}
