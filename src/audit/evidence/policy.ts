import type { DirectoryBook } from '../../directory/directory-book';
import { YamlFile } from '../../directory/yaml-file';
import { type Digest, digestOf, digestOfText } from '../../domain/digest';
import type { Precedents } from '../../domain/precedents';
import { assess, type PolicyBook } from '../../policy/assess';
import { Catalog } from '../../policy/catalog';
import { catalogSchema } from '../../policy/catalog-file';
import { type CedarEngine, readEngine } from '../../policy/cedar-engine';
import { type PathsData, pathsSchema } from '../../policy/paths-file';
import type { RememberingPolicy } from '../../policy/remembering';
import { rerouteFacts } from '../../policy/reroute-facts';
import { BoundedPattern } from './bounded-pattern';

const DIRECTORY_FILE = 'directory.yaml';

/** A file of a policy bundle, as it was. */
export interface PolicyFile {
  readonly name: string;
  readonly text: string;
}

/** Everything of a bundle but the directory, read once and asked over any directory. */
export interface PolicyText {
  readonly digest: Digest;
  readonly catalog: Catalog;
  readonly paths: PathsData;
  readonly engine: CedarEngine;
  readonly ticketPattern: BoundedPattern;
}

export type ReadPolicy =
  | { readonly ok: true; readonly policy: PolicyText }
  | { readonly ok: false; readonly message: string };

/** The digest that assessments name: over every file but the directory, by name and content. */
export function policyDigestOf(files: readonly PolicyFile[]): Digest {
  const named = files.map(({ name, text }) => [name, digestOfText(text)]);
  return digestOf(named);
}

/** Files of a bundle folder that are policy, in the order in which the digest takes them. */
export function policyFilesOf(files: ReadonlyMap<string, string>): readonly PolicyFile[] {
  return [...files]
    .filter(([name]) => name !== DIRECTORY_FILE)
    .map(([name, text]) => ({ name, text }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Reads policy as the worker reads it. What was loaded once was checked then, so only what cannot be read is refused. */
export function readPolicy(files: readonly PolicyFile[]): ReadPolicy {
  const textOf = (name: string) => files.find((file) => file.name === name)?.text ?? '';
  const digest = policyDigestOf(files);
  const catalog = new YamlFile('catalog.yaml', textOf('catalog.yaml')).decode(catalogSchema);
  const paths = new YamlFile('paths.yaml', textOf('paths.yaml')).decode(pathsSchema);
  const schema = files.find(({ name }) => name.endsWith('.cedarschema'));
  const sources = files.filter(({ name }) => name.endsWith('.cedar'));
  const engine = readEngine(
    digest,
    { file: schema?.name ?? 'schema', text: schema?.text ?? '' },
    sources.map(({ name, text }) => ({ file: name, text })),
  );
  if (!catalog.ok || !paths.ok || !engine.ok) {
    const [problem] = [catalog, paths, engine].flatMap((part) => (part.ok ? [] : part.problems));
    return { ok: false, message: `${problem?.file}:${problem?.line}: ${problem?.message}` };
  }
  return {
    ok: true,
    policy: {
      digest,
      catalog: new Catalog(catalog.value),
      paths: paths.value,
      engine: engine.engine,
      ticketPattern: new BoundedPattern(paths.value.ticketPattern),
    },
  };
}

/** What was told to policy from outside, and is on record because no file can tell it afterwards. */
export interface Told {
  readonly ticketFound: boolean;
  readonly precedents?: Precedents;
}

/** Policy over a directory, told what it was told then. */
export function policyOver(
  { digest, catalog, paths, engine, ticketPattern }: PolicyText,
  directory: DirectoryBook,
  { ticketFound, precedents }: Told,
): RememberingPolicy {
  const book: PolicyBook = {
    digest,
    directory,
    catalog,
    engine,
    paths: new Map(Object.entries(paths.paths).map(([name, path]) => [name, { name, ...path }])),
    emergencyConditions: new Set(Object.keys(paths.emergencyConditions)),
    emergencies: paths.emergencies,
    askingAgain: paths.askingAgain,
    scrutiny: new Map(Object.entries(paths.scrutiny)),
    reviewers: paths.reviewers,
  };
  const rules = {
    reasons: new Set(Object.keys(paths.rerouteReasons)),
    ticketPattern,
    tickets: { exists: async () => ticketFound },
    emergencies: new Map(Object.entries(paths.emergencyReroutes)),
  };
  const told = precedents === undefined ? {} : { precedents };
  return {
    digest,
    assess: (request, atMs) => assess(book, request, atMs, precedents),
    assessOnRecord: async (request, atMs) => ({
      assessment: assess(book, request, atMs, precedents),
      ...told,
    }),
    rerouteFacts: async (statement, request, atMs) => ({
      ...(await rerouteFacts({ book, request, atMs, precedents }, rules, statement)),
      ...told,
    }),
  };
}
