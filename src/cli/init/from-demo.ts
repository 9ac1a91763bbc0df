import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { EXAMPLE_BUNDLE_DIR } from '../../project';
import { type CommandResult, done, printable, UserError } from '../output';
import { editorHeader, WRITTEN_FILES } from '../schemas/file-schemas';
import { schemaTexts } from './beside-text';
import { checkBundleIn } from './check';
import { withKeys } from './keys';
import { place } from './place';

const principals = z.object({
  people: z.record(z.string(), z.unknown()),
  identities: z.record(z.string(), z.unknown()),
});

const README = `# The example bundle, explained

A copy of the bundle that \`countersign demo\` and \`countersign up\` run, with a key made here for everyone in it (\`.countersign/keys\`). Change what you like.

| read | to see |
|---|---|
| \`bundle/directory.yaml\` | Two teams, their leads, database administrators, governors (who approve nothing), and pipelines, bots and agents with an owner and a sponsor. |
| \`bundle/catalog.yaml\` | What can be asked: \`warehouse:…\` gives a role of PostgreSQL, \`changes:…\` lets exact actions through once. \`controls\` are what nobody may be asked to weaken. |
| \`bundle/paths.yaml\` | Who approves: \`production-write\` takes one lead, \`production-admin\` a lead and then an administrator, \`incident\` an incident commander in half an hour. |
| \`bundle/access.cedar\` | Who gets what on which terms: \`@path\`, \`@max_duration\`, \`@emergency\`, \`@review_within\`. \`policy-alone\` asks nobody. |
| \`bundle/guard.cedar\` | What no permit overrides: \`@hard_stop\` ends a request before anyone is asked, \`@safe_way\` says what to do instead. |
| \`bundle/pins.yaml\` | The definitions of tools that stand behind \`countersign gate\`, as somebody has looked at them; a tool that differs is held. |
| \`bundle/schema.cedarschema\` | What policies can refer to. |
| \`bundle/tests/access.yaml\` | What the bundle is meant to decide, one case for each rule. |
| \`bundle/schemas/\` | JSON Schemas for editors. Every key and annotation: docs/govern/bundle.md of countersign. |

Try it: \`countersign up --bundle bundle --http-port 8080\`, and in another terminal \`countersign request submit --as ci/payments --entitlement
warehouse:payments#write --for 15m --reason "a try"\`. A bundle of your own: \`countersign init\` in an empty folder.
`;

/** Copies the example bundle into a folder, with editor headers, schemas, keys, and a page that explains it. */
export async function copyDemo(dir: string, given: string): Promise<CommandResult> {
  if (existsSync(path.join(dir, 'bundle')))
    throw new UserError(`${given} has a bundle, and init changes none; name another folder`);
  const texts = new Map([
    ...readdirSync(EXAMPLE_BUNDLE_DIR, { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.(?:yaml|cedar|cedarschema)$/.test(name))
      .map((name) => [`bundle/${name}`, headed(name)] as const),
    ...schemaTexts(),
    ['README.md', README],
    ['.gitignore', '.countersign/\n'],
  ]);
  const { people, identities } = principals.parse(parse(texts.get('bundle/directory.yaml') ?? ''));
  const everyone = [...Object.keys(people), ...Object.keys(identities)];
  const { written, kept } = await place(dir, await withKeys(texts, dir, everyone), async (draft) => {
    await checkBundleIn(path.join(draft, 'bundle'));
  });
  const shown = written.filter((name) => !/^(?:bundle\/schemas|\.countersign)\//.test(name));
  const next = ['countersign up --bundle bundle --http-port 8080'];
  return done(
    { dir, written, kept, next },
    ...shown.map((name) => printable(`wrote  ${name}`)),
    `wrote  a key for each of ${everyone.length} people and identities, below .countersign/keys`,
    '',
    'next: read README.md, which explains each file; then, in that folder',
    ...next.map((line) => `    ${line}`),
  );
}

/** A file of the example, with the line by which an editor finds its schema. */
function headed(name: string): string {
  const text = readFileSync(path.join(EXAMPLE_BUNDLE_DIR, name), 'utf8');
  const isTest = name.startsWith('tests/');
  const schema = isTest ? 'tests' : name.replace(/\.yaml$/, '');
  if (!WRITTEN_FILES.some((file) => file.name === schema)) return text;
  return editorHeader(isTest ? '../schemas' : 'schemas', schema) + text;
}
