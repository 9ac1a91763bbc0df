import type { FileDirectoryBook } from '../directory/file-directory-book';
import type { FileProblem, YamlFile } from '../directory/yaml-file';
import { LIMITS } from '../domain/limits';
import { assuranceMeets, GOVERNANCE_ROLES, type PrincipalId } from '../domain/principal';
import { partsOfResourceKey } from './catalog';
import type { CatalogData } from './catalog-file';
import type { CedarEngine } from './cedar-engine';
import { groupsOf } from './eligibility';
import { type PathsData, RESOURCE_OWNERS, type StageDefinition } from './paths-file';

export interface BundleParts {
  readonly catalog: { readonly data: CatalogData; readonly file: YamlFile };
  readonly paths: { readonly data: PathsData; readonly file: YamlFile };
  readonly directory: FileDirectoryBook;
  readonly engine: CedarEngine;
}

/** What is wrong with a bundle as a whole, where each file is fine by itself. */
export function checkBundle(parts: BundleParts): readonly FileProblem[] {
  return [
    ...checkCatalog(parts),
    ...checkControls(parts),
    ...checkPaths(parts),
    ...checkRecordLimits(parts),
    ...checkRules(parts),
  ];
}

/** Every control can be recognised, and an action that weakens a control somewhere does so wherever it is offered. */
function* checkControls({ catalog: { data, file } }: BundleParts): Generator<FileProblem> {
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

function* checkCatalog({ catalog: { data, file }, directory, engine }: BundleParts): Generator<FileProblem> {
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
      if (said.effect === undefined && said.grant === undefined)
        yield file.problem(path, 'says nothing of what is granted; add "grant", or "effect" and "control"');
    }
  }
}

function* checkPaths(parts: BundleParts): Generator<FileProblem> {
  const { directory } = parts;
  const { data, file } = parts.paths;
  if (!directory.hasGroup(data.reviewers))
    yield file.problem(
      ['reviewers'],
      `the directory has no group ${data.reviewers}; add it or correct the name`,
    );
  for (const [condition, rule] of Object.entries(data.emergencyReroutes))
    yield* checkGroups(file, ['emergencyReroutes', condition, 'substitutes'], rule.substitutes, directory);
  for (const [name, path] of Object.entries(data.paths)) {
    if (path.reviewers !== undefined && !directory.hasGroup(path.reviewers))
      yield file.problem(['paths', name, 'reviewers'], `the directory has no group ${path.reviewers}`);
    const stageNames = path.stages.map((stage) => stage.name);
    yield* checkAlternatives(data, file, name);
    for (const [index, stage] of path.stages.entries()) {
      const at = ['paths', name, 'stages', index];
      if (stageNames.indexOf(stage.name) !== index)
        yield file.problem([...at, 'name'], `stage ${stage.name} is there twice; stages have distinct names`);
      yield* checkGroups(file, [...at, 'approvers'], stage.approvers, directory);
      yield* checkGroups(file, [...at, 'substitutes'], stage.substitutes, directory);
      yield* checkPeople(parts, at, stage);
    }
  }
  yield* checkOwners(parts);
}

/** Resources that something can be granted on, with the group that answers for each. */
const owned = ({ catalog: { data } }: BundleParts): readonly { key: string; owners: string }[] =>
  Object.entries(data.resources)
    .filter(([, { actions }]) => Object.values(actions).some(({ effect }) => effect === undefined))
    .map(([key, { owners }]) => ({ key, owners }));

/** Where a stage is decided by the owners of a resource, they are approvers like any others. */
function* checkOwners(parts: BundleParts): Generator<FileProblem> {
  const { paths, catalog, directory } = parts;
  const stages = Object.values(paths.data.paths).flatMap((path) => path.stages);
  if (!stages.some((stage) => [...stage.approvers, ...stage.substitutes].includes(RESOURCE_OWNERS))) return;
  const seen = new Set<string>();
  for (const { key, owners } of owned(parts)) {
    if (seen.has(owners)) continue;
    seen.add(owners);
    for (const why of whyNotApprovers(owners, directory))
      yield catalog.file.problem(['resources', key, 'owners'], why);
  }
}

/**
 * Enough people can satisfy a stage, whoever owns the resource; and with keys that they have, for one owner at least: which
 * of them a path is meant for, only the policies know.
 */
function* checkPeople(
  parts: BundleParts,
  at: readonly PropertyKey[],
  stage: StageDefinition,
): Generator<FileProblem> {
  const { directory, paths } = parts;
  const byOwners = stage.approvers.includes(RESOURCE_OWNERS);
  const named = byOwners ? [...new Set(owned(parts).map(({ owners }) => owners))] : [''];
  const weak: FileProblem[] = [];
  for (const owners of named) {
    const who = byOwners ? ` where ${owners} owns what is asked for` : '';
    const people = new Set(
      groupsOf(stage.approvers, owners)
        .flatMap((group) => directory.allMembersOf(group))
        .filter((id) => isPerson(id) && !governs(id, directory)),
    );
    weak.push(...[...checkAssurance(paths.file, at, stage, people, who, directory)].slice(0, 1));
    if (people.size < stage.quorum)
      yield paths.file.problem(
        [...at, 'quorum'],
        `only ${people.size} people may approve${who}, so ${stage.quorum} never will; add people or lower it`,
      );
  }
  if (weak.length === named.length) yield* weak;
}

const isPerson = (id: PrincipalId): boolean => id.startsWith('person/');

const governs = (id: PrincipalId, directory: FileDirectoryBook): boolean =>
  directory.everHeldRoles(id).some((role) => (GOVERNANCE_ROLES as readonly string[]).includes(role));

/** What keeps members of a group from approving. */
function* whyNotApprovers(group: string, directory: FileDirectoryBook): Generator<string> {
  for (const member of directory.allMembersOf(group)) {
    if (!isPerson(member)) yield `${member} in ${group} is not a person; only people approve`;
    if (governs(member, directory))
      yield `${member} in ${group} holds a governance role, which cannot approve; take one from them`;
  }
}

/** Where everyone who may approve has registered keys, enough of them have keys that are strong enough. */
function* checkAssurance(
  file: YamlFile,
  at: readonly PropertyKey[],
  { assurance, quorum }: StageDefinition,
  people: ReadonlySet<string>,
  who: string,
  directory: FileDirectoryBook,
): Generator<FileProblem> {
  const held = [...people].map((id) => directory.assurancesOf(id));
  const strong = held.filter((levels) => levels.some((level) => assuranceMeets(level, assurance)));
  if (held.every((levels) => levels.length > 0) && strong.length < quorum)
    yield file.problem(
      [...at, 'assurance'],
      `only ${strong.length} who may approve${who} have a key that is ${assurance}; register stronger keys or lower it`,
    );
}

/** Another path is no way round the first: as many stages, as many people, as strong; and none of the same name. */
function* checkAlternatives(data: PathsData, file: YamlFile, name: string): Generator<FileProblem> {
  const path = data.paths[name];
  for (const [index, other] of (path?.alternatives ?? []).entries()) {
    const at = ['paths', name, 'alternatives', index];
    const instead = data.paths[other];
    if (instead === undefined || other === name) {
      yield file.problem(at, `there is no other path ${other}; declare it in "paths" or correct the name`);
      continue;
    }
    const weaker = path?.stages.some((stage, place) => {
      const one = instead.stages[place];
      return (
        one === undefined || one.quorum < stage.quorum || !assuranceMeets(one.assurance, stage.assurance)
      );
    });
    if (weaker)
      yield file.problem(
        at,
        `${other} asks for less than ${name}, so no reroute could take it; strengthen it`,
      );
    const shared = instead.stages.find((one) => path?.stages.some((stage) => stage.name === one.name));
    if (shared !== undefined)
      yield file.problem(at, `${other} has a stage ${shared.name} as ${name} has; give it a name of its own`);
  }
}

/** Only so many precedents are looked at: a higher limit would never be reached. */
function* checkRecordLimits({ paths: { data, file } }: BundleParts): Generator<FileProblem> {
  const { limit, nearLimit, openLimit } = data.askingAgain;
  const said = {
    askingAgain: { limit, nearLimit, openLimit },
    emergencies: { limit: data.emergencies.limit },
  };
  for (const [section, limits] of Object.entries(said))
    for (const [name, most] of Object.entries(limits))
      if (most > LIMITS.precedentsOfAKind)
        yield file.problem(
          [section, name],
          `is over ${LIMITS.precedentsOfAKind}, the most that are looked back at; lower it`,
        );
}

function* checkGroups(
  file: YamlFile,
  path: readonly PropertyKey[],
  groups: readonly string[],
  directory: FileDirectoryBook,
): Generator<FileProblem> {
  for (const [index, group] of groups.entries()) {
    if (group === RESOURCE_OWNERS) continue;
    if (!directory.hasGroup(group)) {
      yield file.problem([...path, index], `the directory has no group ${group}; add it or correct the name`);
      continue;
    }
    for (const why of whyNotApprovers(group, directory)) yield file.problem([...path, index], why);
  }
}

function* checkRules({ engine, paths: { data } }: BundleParts): Generator<FileProblem> {
  for (const rule of engine.rules.values()) {
    if (rule.effect === 'forbid') continue;
    const at = { file: rule.file, line: rule.line };
    if (rule.path !== undefined && !Object.hasOwn(data.paths, rule.path))
      yield { ...at, message: `${rule.id}: paths.yaml has no path ${rule.path}; add it or correct @path` };
    if (rule.emergency === undefined) continue;
    if (!Object.hasOwn(data.emergencyConditions, rule.emergency))
      yield {
        ...at,
        message: `${rule.id}: paths.yaml has no emergency condition ${rule.emergency}; declare it`,
      };
    if (rule.reviewWithinMs === undefined)
      yield { ...at, message: `${rule.id}: an emergency is reviewed afterwards; add @review_within` };
  }
}
