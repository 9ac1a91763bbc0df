import type { RegisterRow } from '../../contracts/enrolment';
import type { Directory, Identity } from '../../directory/directory';
import type { FileDirectory } from '../../directory/file-directory';
import { type DecodedDirectory, readDirectory } from '../../directory/read-directory';
import type { SourcesData } from '../../directory/sources/sources-file';
import { type Decoded, type FileProblem, YamlFile } from '../../directory/yaml-file';
import { digestOf, digestOfText } from '../../domain/digest';
import { isChannel } from '../../domain/principal';
import type { Bundle, BundlePolicy } from '../bundle';
import { entryOf } from '../evaluate/ask-entry';
import { readEngine } from '../evaluate/cedar-engine';
import { checkReroute } from '../evaluate/check-reroute';
import type { PolicyContext } from '../evaluate/policy-context';
import { assessWithRemedy } from '../evaluate/remedy';
import type { TicketSource } from '../tickets/ticket';
import { type BundleFiles, readBundleFiles } from './bundle-folder';
import { Catalog } from './catalog';
import { catalogSchema } from './catalog-file';
import { checkBundle } from './check-bundle';
import { unreachableStages } from './check-people';
import { checkSources, filledBy, readSources } from './check-sources';
import { checkNames, checkWords, lookAlikes } from './check-words';
import { type EmergencyRerouteRule, type PathsData, pathsSchema } from './paths-file';
import { readToolPins, type ToolPins } from './tool-pins';

export const DIRECTORY_FILE = 'directory.yaml';
const SCHEMA_FILE = 'schema.cedarschema';

/** A bundle with the parts that explanations and checks need. */
export interface LoadedBundle extends Bundle {
  readonly context: PolicyContext;
  /** The directory file alone, without the register. */
  readonly file: FileDirectory;
  /** What `sources.yaml` says, if the bundle has one. */
  readonly sources?: SourcesData;
  /** Returns the bundle with another text in place of `directory.yaml`, such as one to which sources have added. */
  withDirectory(text: string, decoded?: Decoded<DecodedDirectory>): LoadResult;
  /** Returns the same bundle over another directory, such as this file with the rows of a register that are in force. */
  over(directory: Directory, register: readonly RegisterRow[]): LoadedBundle;
  /** Everyone that the directory names. */
  readonly identities: readonly Identity[];
  /** Everyone whom the directory knows. */
  readonly principals: readonly string[];
  /** Accounts on targets that the directory names. */
  readonly accounts: readonly string[];
  /** What somebody should look at, although the bundle is good: names of people that look alike. */
  readonly notes: readonly FileProblem[];
  /** Stages that too few people could ever approve. Requests that need them are refused; everything else counts. */
  readonly unreachable: readonly FileProblem[];
  /** Definitions of tools of MCP servers, as somebody has looked at them. */
  readonly toolPins: ToolPins;
  /** Grounds on which governance may step in: what each code means. */
  readonly rerouteReasons: ReadonlyMap<string, string>;
  /** Conditions under which a reroute is an emergency (OVR-9). */
  readonly emergencyReroutes: ReadonlyMap<string, EmergencyRerouteRule>;
}

export type LoadResult =
  | { readonly ok: true; readonly bundle: LoadedBundle }
  | { readonly ok: false; readonly problems: readonly FileProblem[] };

/**
 * Loads a bundle and checks it as a whole. A bundle with any problem is not used. Every problem names file
 * and line.
 */
export async function loadBundle(dir: string, tickets: TicketSource): Promise<LoadResult> {
  const files = await readBundleFiles(dir);
  return files.ok ? bundleOf(files.value, tickets) : files;
}

/**
 * Builds a bundle from its files, and checks it as a whole.
 *
 * @param decoded the directory among them, if it has been decoded already
 * @param isMerged true if the directory among them has what the sources give
 */
export function bundleOf(
  files: BundleFiles,
  tickets: TicketSource,
  decoded?: Decoded<DecodedDirectory>,
  isMerged = false,
): LoadResult {
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
  const directory = readDirectory(DIRECTORY_FILE, textOf(DIRECTORY_FILE), decoded);
  const sources = [...files]
    .filter(([name]) => name.endsWith('.cedar'))
    .map(([file, text]) => ({ file, text }));
  const engine = readEngine(digest, { file: SCHEMA_FILE, text: textOf(SCHEMA_FILE) }, sources);
  const pins = readToolPins(files);
  const taken = readSources(files);
  if (!catalog.ok || !paths.ok || !directory.ok || !engine.ok || !pins.ok || !taken.ok)
    return {
      ok: false,
      problems: [catalog, paths, directory, engine, pins, taken].flatMap((part) =>
        part.ok ? [] : part.problems,
      ),
    };
  const checked = {
    catalog: { data: catalog.value, file: catalogFile },
    paths: { data: paths.value, file: pathsFile },
    directory: directory.value.directory,
    directoryProblem: directory.value.problem,
    engine: engine.engine,
  };
  const problems = [
    ...checkBundle(checked),
    ...(taken.value === undefined ? [] : checkSources(taken.value, directory.value.directory, catalog.value)),
  ];
  const words = [
    ...[catalogFile, pathsFile, pins.file].flatMap((file) => [...checkWords(file)]),
    ...checkNames(directory.value),
  ];
  if (problems.length + words.length > 0) return { ok: false, problems: [...problems, ...words] };
  const { directory: file } = directory.value;
  const identities = file.identities();
  const common = {
    digest,
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
  const parts = {
    file,
    connectors: common.catalog.connectors,
    files,
    identities,
    principals: identities.map((identity) => identity.id),
    accounts: identities.flatMap(({ accounts }) =>
      Object.entries(accounts).flatMap(([place, account]) => (isChannel(place) ? [] : account)),
    ),
    rerouteReasons: new Map(Object.entries(paths.value.rerouteReasons)),
    emergencyReroutes: new Map(Object.entries(paths.value.emergencyReroutes)),
    notes: lookAlikes(directory.value),
    unreachable: unreachableStages(checked, isMerged ? undefined : filledBy(taken.value)),
    toolPins: pins.value,
    ...(taken.value !== undefined && { sources: taken.value.data }),
    withDirectory: (text: string, other?: Decoded<DecodedDirectory>) =>
      bundleOf(new Map([...files, [DIRECTORY_FILE, text]]), tickets, other, true),
  };
  const over = (known: Directory, register: readonly RegisterRow[]): LoadedBundle => {
    const context: PolicyContext = { ...common, directory: known };
    const policy = policyOf(context, paths.value, tickets);
    return { ...parts, directory: known, policy, context, register, over };
  };
  return { ok: true, bundle: over(file, []) };
}

function policyOf(context: PolicyContext, paths: PathsData, tickets: TicketSource): BundlePolicy {
  const rules = {
    reasons: new Set(Object.keys(paths.rerouteReasons)),
    ticketPattern: paths.ticketPattern,
    tickets,
    ticketRules: paths.tickets,
    emergencies: new Map(Object.entries(paths.emergencyReroutes)),
  };
  return {
    digest: context.digest,
    assess: (request, atMs, precedents) => assessWithRemedy(context, request, atMs, precedents),
    entryOf: (request, atMs) => entryOf(context, request, atMs),
    checkReroute: (statement, request, atMs, precedents) =>
      checkReroute({ context, request, atMs, precedents }, rules, statement),
  };
}

/** Computes the digests: one of the directory, and one of policy, which covers every other file by name and content. */
function policyDigestOf(files: BundleFiles): string {
  const others = [...files].filter(([name]) => name !== DIRECTORY_FILE);
  return digestOf(others.map(([name, text]) => [name, digestOfText(text)]));
}
