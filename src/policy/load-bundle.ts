import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Identity } from '../directory/directory-book';
import { readDirectory } from '../directory/read-directory';
import { type Decoded, type FileProblem, YamlFile } from '../directory/yaml-file';
import { digestOf, digestOfText } from '../domain/digest';
import { entryOf } from './ask-entry';
import { assess, type PolicyBook } from './assess';
import type { Bundle, BundlePolicy } from './bundle';
import { Catalog } from './catalog';
import { catalogSchema } from './catalog-file';
import { readEngine } from './cedar-engine';
import { checkBundle } from './check-bundle';
import { type PathsData, pathsSchema } from './paths-file';
import { rerouteFacts } from './reroute-facts';
import type { TicketSource } from './tickets';

const DIRECTORY_FILE = 'directory.yaml';
const SCHEMA_FILE = 'schema.cedarschema';
const LARGEST_FILE_BYTES = 4 * 1024 * 1024;

/** A bundle with the parts that explanations and checks look into. */
export interface LoadedBundle extends Bundle {
  readonly book: PolicyBook;
  /** Everyone that the directory names. */
  readonly identities: readonly Identity[];
  /** Everyone whom the directory knows. */
  readonly principals: readonly string[];
  /** Accounts on targets that the directory names. */
  readonly accounts: readonly string[];
}

export type LoadResult =
  | { readonly ok: true; readonly bundle: LoadedBundle }
  | { readonly ok: false; readonly problems: readonly FileProblem[] };

/** Files of a bundle by name. */
export type BundleFiles = ReadonlyMap<string, string>;

/**
 * Loads a bundle and checks it as a whole. Either all of it is good, or none of it is used; every problem names file
 * and line.
 */
export async function loadBundle(dir: string, tickets: TicketSource): Promise<LoadResult> {
  const files = await readBundleFiles(dir);
  return files.ok ? bundleOf(files.value, tickets) : files;
}

/** Reads the files of a bundle, without judging them. */
export async function readBundleFiles(dir: string): Promise<Decoded<BundleFiles>> {
  try {
    const names = (await readdir(dir)).filter((name) => /\.(cedar|cedarschema|yaml)$/.test(name)).sort();
    const files = new Map<string, string>();
    for (const name of names) {
      const file = path.join(dir, name);
      if ((await stat(file)).size > LARGEST_FILE_BYTES)
        return problem(name, 'is too large for a bundle file');
      files.set(name, await readFile(file, 'utf8'));
    }
    return { ok: true, value: files };
  } catch {
    return problem(dir, 'cannot be read; give the folder of a policy bundle');
  }
}

/** The bundle that these files are, checked as a whole. */
export function bundleOf(files: BundleFiles, tickets: TicketSource): LoadResult {
  const missing = [SCHEMA_FILE, 'catalog.yaml', 'paths.yaml', DIRECTORY_FILE].filter(
    (name) => !files.has(name),
  );
  if (missing.length > 0)
    return {
      ok: false,
      problems: missing.map((file) => ({ file, line: 1, message: 'is missing; add it to the bundle' })),
    };
  const textOf = (name: string) => files.get(name) ?? '';
  const digest = policyDigestOf(files);
  const catalogFile = new YamlFile('catalog.yaml', textOf('catalog.yaml'));
  const pathsFile = new YamlFile('paths.yaml', textOf('paths.yaml'));
  const catalog = catalogFile.decode(catalogSchema);
  const paths = pathsFile.decode(pathsSchema);
  const directory = readDirectory(DIRECTORY_FILE, textOf(DIRECTORY_FILE));
  const sources = [...files]
    .filter(([name]) => name.endsWith('.cedar'))
    .map(([file, text]) => ({ file, text }));
  const engine = readEngine(digest, { file: SCHEMA_FILE, text: textOf(SCHEMA_FILE) }, sources);
  if (!catalog.ok || !paths.ok || !directory.ok || !engine.ok)
    return {
      ok: false,
      problems: [catalog, paths, directory, engine].flatMap((part) => (part.ok ? [] : part.problems)),
    };
  const problems = checkBundle({
    catalog: { data: catalog.value, file: catalogFile },
    paths: { data: paths.value, file: pathsFile },
    directory: directory.value.book,
    engine: engine.engine,
  });
  if (problems.length > 0) return { ok: false, problems };
  const book: PolicyBook = {
    digest,
    directory: directory.value.book,
    catalog: new Catalog(catalog.value),
    engine: engine.engine,
    paths: new Map(
      Object.entries(paths.value.paths).map(([name, definition]) => [name, { name, ...definition }]),
    ),
    emergencyConditions: new Set(Object.keys(paths.value.emergencyConditions)),
    emergencies: paths.value.emergencies,
    askingAgain: paths.value.askingAgain,
    scrutiny: new Map(Object.entries(paths.value.scrutiny)),
    reviewers: paths.value.reviewers,
  };
  const principals = directory.value.book.identities().map((identity) => identity.id);
  const accounts = directory.value.book.identities().flatMap((identity) => Object.values(identity.accounts));
  const policy = policyOf(book, paths.value, tickets);
  return {
    ok: true,
    bundle: {
      directory: book.directory,
      policy,
      connectors: book.catalog.connectors,
      files,
      book,
      identities: directory.value.book.identities(),
      principals,
      accounts,
    },
  };
}

function policyOf(book: PolicyBook, paths: PathsData, tickets: TicketSource): BundlePolicy {
  const rules = {
    reasons: new Set(Object.keys(paths.rerouteReasons)),
    ticketPattern: paths.ticketPattern,
    tickets,
    emergencies: new Map(Object.entries(paths.emergencyReroutes)),
  };
  return {
    digest: book.digest,
    assess: (request, atMs, precedents) => assess(book, request, atMs, precedents),
    entryOf: (request, atMs) => entryOf(book, request, atMs),
    rerouteFacts: (statement, request, atMs, precedents) =>
      rerouteFacts({ book, request, atMs, precedents }, rules, statement),
  };
}

/** The directory has a digest of its own; policy's covers every other file, by name and content. */
function policyDigestOf(files: BundleFiles): string {
  const others = [...files].filter(([name]) => name !== DIRECTORY_FILE);
  return digestOf(others.map(([name, text]) => [name, digestOfText(text)]));
}

const problem = (file: string, message: string) => ({
  ok: false as const,
  problems: [{ file, line: 1, message }],
});
