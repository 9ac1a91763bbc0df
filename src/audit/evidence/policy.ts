import { createContext, Script } from 'node:vm';
import type { Directory } from '../../directory/directory';
import { YamlFile } from '../../directory/yaml-file';
import { type Digest, digestOf, digestOfText } from '../../domain/digest';
import type { Precedents } from '../../domain/precedents';
import type { RememberingPolicy } from '../../policy/authority';
import { assess } from '../../policy/evaluate/assess';
import { type CedarEngine, readEngine } from '../../policy/evaluate/cedar-engine';
import { checkReroute } from '../../policy/evaluate/check-reroute';
import type { PolicyContext } from '../../policy/evaluate/policy-context';
import { assessWithRemedy } from '../../policy/evaluate/remedy';
import { Catalog } from '../../policy/load/catalog';
import { catalogSchema } from '../../policy/load/catalog-file';
import { type PathsData, pathsSchema } from '../../policy/load/paths-file';
import type { TicketAnswer } from '../../policy/tickets/ticket';

const DIRECTORY_FILE = 'directory.yaml';

/** A file of a policy bundle. */
export interface PolicyFile {
  readonly name: string;
  readonly text: string;
}

/** A bundle without its directory, parsed once and usable with any directory. */
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

/** Returns the digest that assessments name: over every file except the directory, by name and content. */
export function policyDigestOf(files: readonly PolicyFile[]): Digest {
  const named = files.map(({ name, text }) => [name, digestOfText(text)]);
  return digestOf(named);
}

/** Returns the files of a bundle that are policy, in the order in which the digest covers them. */
export function policyFilesOf(files: ReadonlyMap<string, string>): readonly PolicyFile[] {
  return [...files]
    .filter(([name]) => name !== DIRECTORY_FILE)
    .map(([name, text]) => ({ name, text }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Reads policy as the worker does. It was checked when the worker loaded it, so only unreadable files are refused here. */
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

/** Answers of ticket system and ledger to policy. They are recorded because no file can give them later. */
export interface LookupAnswers {
  readonly ticket: TicketAnswer;
  readonly precedents?: Precedents;
}

/** Builds the policy over a directory, with the recorded lookup answers. */
export function policyOver(
  { digest, catalog, paths, engine, ticketPattern }: PolicyText,
  directory: Directory,
  { ticket, precedents }: LookupAnswers,
): RememberingPolicy {
  const context: PolicyContext = {
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
    tickets: { check: async () => ticket },
    ticketRules: paths.tickets,
    emergencies: new Map(Object.entries(paths.emergencyReroutes)),
  };
  const recorded = precedents === undefined ? {} : { precedents };
  return {
    digest,
    assess: (request, atMs) => assess(context, request, atMs, precedents),
    assessOnRecord: async (request, atMs) => ({
      assessment: assessWithRemedy(context, request, atMs, precedents),
      ...recorded,
    }),
    checkReroute: async (statement, request, atMs) => ({
      ...(await checkReroute({ context, request, atMs, precedents }, rules, statement)),
      ...recorded,
    }),
  };
}

const LONGEST_RUN_MS = 200;

/**
 * A regular expression from a file that may be forged. One that backtracks too long is stopped, and from then on every test
 * fails at once. The schema keeps its input short, but short input alone does not bound the time.
 */
export class BoundedPattern {
  readonly #script: Script;
  #tooSlow = false;

  constructor({ source, flags }: RegExp) {
    this.#script = new Script(`new RegExp(${JSON.stringify(source)}, ${JSON.stringify(flags)}).test(input)`);
  }

  /** @throws Error if it takes too long */
  test(input: string): boolean {
    if (this.#tooSlow) throw tooSlow();
    try {
      const matches: unknown = this.#script.runInContext(createContext({ input }), {
        timeout: LONGEST_RUN_MS,
      });
      return matches === true;
    } catch {
      this.#tooSlow = true;
      throw tooSlow();
    }
  }
}

const tooSlow = (): Error => new Error('the pattern of tickets in paths.yaml takes too long');
