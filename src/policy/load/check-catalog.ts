import type { CatalogGrant } from '../../connectors/contract';
import { findDefinition, kindNames, variablesNamedAfter } from '../../connectors/index';
import { describeIssue } from '../../directory/describe-issue';
import type { FileDirectory } from '../../directory/file-directory';
import { didYouMean } from '../../directory/nearest';
import type { FileProblem, YamlFile } from '../../directory/yaml-file';
import type { CedarEngine } from '../evaluate/cedar-engine';
import { partsOfResourceKey } from './catalog';
import type { CatalogData } from './catalog-file';

/** What the catalog is checked against. */
export interface CatalogParts {
  readonly catalog: { readonly data: CatalogData; readonly file: YamlFile };
  readonly directory: FileDirectory;
  /** Points into `directory.yaml`. */
  readonly directoryProblem: YamlFile['problem'];
  readonly engine: CedarEngine;
}

/** What is wrong with `catalog.yaml` beside the other files. */
export function* checkCatalog(parts: CatalogParts): Generator<FileProblem> {
  yield* checkConnectors(parts);
  yield* checkAccounts(parts);
  yield* checkResources(parts);
  yield* checkControls(parts);
}

/** Accounts are names of their target, so its connector says what they can be. */
function* checkAccounts({
  catalog: { data },
  directory,
  directoryProblem,
}: CatalogParts): Generator<FileProblem> {
  for (const { id, accounts } of directory.identities())
    for (const [connector, account] of Object.entries(accounts)) {
      const { kind } = Object.hasOwn(data.connectors, connector) ? (data.connectors[connector] ?? {}) : {};
      const parsed = findDefinition(kind ?? '')?.account?.safeParse(account);
      const section = id.startsWith('person/') ? 'people' : 'identities';
      for (const { message } of parsed?.error?.issues ?? [])
        yield directoryProblem(
          [section, id, 'accounts', connector],
          `the account ${account} of ${id} on ${connector} ${message}`,
        );
    }
}

/** Connectors are of known kinds, and no two read the same environment variable, which would lead one to the other's target. */
function* checkConnectors({ catalog: { data, file } }: CatalogParts): Generator<FileProblem> {
  const readers = new Map<string, string>();
  for (const [name, { kind }] of Object.entries(data.connectors)) {
    if (findDefinition(kind) === undefined)
      yield file.problem(
        ['connectors', name, 'kind'],
        `there is no kind of connector ${kind}; use one of ${kindNames()}${didYouMean(kind, kindNames().split(', '))}`,
      );
    if (Object.hasOwn(data.systems, name))
      yield file.problem(
        ['connectors', name],
        `${name} is declared in "systems" too, which are what no connector reaches; remove one of the two`,
      );
    for (const variable of variablesNamedAfter({ name, kind })) {
      const reader = readers.get(variable) ?? name;
      readers.set(variable, reader);
      if (reader === name) continue;
      yield file.problem(
        ['connectors', name],
        `${name} and ${reader} would both read ${variable}; rename one so that they differ in letters or digits, whatever their case`,
      );
      break;
    }
  }
}

/** Every control must be recognisable, and an action that weakens a control in one place must do so in every place. */
function* checkControls({ catalog: { data, file } }: CatalogParts): Generator<FileProblem> {
  const actions = Object.entries(data.resources).flatMap(([key, resource]) =>
    Object.entries(resource.actions).map(([action, said]) => ({ key, action, said })),
  );
  const weakening = new Set(
    actions.filter(({ said }) => said.effect !== undefined).map(({ action }) => action),
  );
  for (const { key, action, said } of actions)
    if (weakening.has(action) && said.effect === undefined)
      yield file.problem(
        ['resources', key, 'actions', action],
        `"${action}" weakens a control elsewhere, and is not stopped here; add "effect" and "control", or rename it`,
      );
  for (const control of Object.keys(data.controls))
    if (!actions.some(({ said }) => said.control === control))
      yield file.problem(
        ['controls', control],
        `nothing in the catalog weakens ${control}, so no request against it would be stopped; add what would`,
      );
}

function* checkResources(parts: CatalogParts): Generator<FileProblem> {
  const {
    catalog: { data, file },
    directory,
    engine,
  } = parts;
  for (const [key, resource] of Object.entries(data.resources)) {
    const { connector } = partsOfResourceKey(key);
    const reached = Object.hasOwn(data.connectors, connector);
    if (!reached && !Object.hasOwn(data.systems, connector))
      yield file.problem(['resources', key], `${connector} is neither a connector nor a system; declare it`);
    if (!directory.hasGroup(resource.owners))
      yield file.problem(
        ['resources', key, 'owners'],
        `the directory has no group ${resource.owners}; add it or correct the name`,
      );
    for (const [index, control] of resource.guardedBy.entries())
      if (!Object.hasOwn(data.controls, control))
        yield file.problem(
          ['resources', key, 'guardedBy', index],
          `there is no control ${control}; declare it in "controls"`,
        );
    for (const [action, said] of Object.entries(resource.actions)) {
      const path = ['resources', key, 'actions', action];
      if (!engine.actions.has(action))
        yield file.problem(
          path,
          `schema.cedarschema has no action "${action}"; add it there or correct the name`,
        );
      if ((said.effect === undefined) !== (said.control === undefined))
        yield file.problem(
          path,
          '"effect" and "control" go together; name what is done, and to which control',
        );
      if (said.control !== undefined && !Object.hasOwn(data.controls, said.control))
        yield file.problem(
          [...path, 'control'],
          `there is no control ${said.control}; declare it in "controls"`,
        );
      if (said.effect === undefined && !reached)
        yield file.problem(
          path,
          `no connector reaches ${connector}, so this could never be granted; remove it`,
        );
      if (reached && said.grant !== undefined)
        yield* checkGrant(file, [...path, 'grant'], data.connectors[connector]?.kind ?? '', said.grant);
      yield* checkArguments(parts, path, said.undeclared, action, connector);
      if (said.effect === undefined && said.grant === undefined)
        yield file.problem(path, 'says nothing of what is granted; add "grant", or "effect" and "control"');
    }
  }
}

/** Only an exact action has arguments: a policy that looks at them could not be evaluated for access. */
function* checkArguments(
  { catalog: { data, file }, engine }: CatalogParts,
  path: readonly PropertyKey[],
  undeclared: string | undefined,
  action: string,
  connector: string,
): Generator<FileProblem> {
  const isDeclared = engine.declared.has(action);
  if (undeclared !== undefined && !isDeclared)
    yield file.problem(
      [...path, 'undeclared'],
      `schema.cedarschema declares no arguments for "${action}", so policy sees none and none is refused; declare them in its context, or remove this`,
    );
  const { gives } = findDefinition(data.connectors[connector]?.kind ?? '') ?? {};
  if (isDeclared && gives !== undefined && gives !== 'execution')
    yield file.problem(
      path,
      `schema.cedarschema declares arguments for "${action}", and ${connector} gives access, which has none; use another action here`,
    );
}

/** A grant must be valid for its connector; otherwise it would fail only when a request is provisioned. */
function* checkGrant(
  file: YamlFile,
  path: readonly PropertyKey[],
  kind: string,
  grant: CatalogGrant,
): Generator<FileProblem> {
  const parsed = findDefinition(kind)?.grant.safeParse(grant, { reportInput: true });
  for (const issue of parsed?.error?.issues ?? [])
    for (const { path: inside, message } of describeIssue(issue))
      yield file.problem([...path, ...inside], `${message}; this is a grant of a connector of kind ${kind}`);
}
