import { ENROLLING_ROLE } from '../../contracts/enrolment';
import type { FileDirectory } from '../../directory/file-directory';
import { didYouMean } from '../../directory/nearest';
import type { FileProblem, YamlFile } from '../../directory/yaml-file';
import { LIMITS } from '../../domain/limits';
import { assuranceMeets, GOVERNANCE_ROLES, type PrincipalId } from '../../domain/principal';
import { groupsOf } from '../evaluate/eligibility';
import { type CatalogParts, checkCatalog } from './check-catalog';
import { checkTools } from './check-tools';
import { type PathsData, POLICY_ALONE, RESOURCE_OWNERS, type StageDefinition } from './paths-file';

export interface BundleParts extends CatalogParts {
  readonly paths: { readonly data: PathsData; readonly file: YamlFile };
}

/** Yields the problems of a bundle whose files are valid separately. */
export function checkBundle(parts: BundleParts): readonly FileProblem[] {
  return [
    ...checkCatalog(parts),
    ...checkTools(parts),
    ...checkPaths(parts),
    ...checkRecordLimits(parts),
    ...checkRules(parts),
  ];
}

function* checkPaths(parts: BundleParts): Generator<FileProblem> {
  const { directory } = parts;
  const { data, file } = parts.paths;
  yield* checkReviewers(file, ['reviewers'], data.reviewers, directory);
  for (const [condition, rule] of Object.entries(data.emergencyReroutes))
    yield* checkGroups(file, ['emergencyReroutes', condition, 'substitutes'], rule.substitutes, directory);
  for (const [name, path] of Object.entries(data.paths)) {
    if (path.reviewers !== undefined)
      yield* checkReviewers(file, ['paths', name, 'reviewers'], path.reviewers, directory);
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

function* checkReviewers(
  file: YamlFile,
  at: readonly PropertyKey[],
  group: string,
  directory: FileDirectory,
): Generator<FileProblem> {
  if (!directory.hasGroup(group))
    yield file.problem(
      at,
      `the directory has no group ${group}; add it or correct the name${didYouMean(group, directory.groupNames())}`,
    );
  const { size } = decidersIn([group], directory);
  if (size > LIMITS.eligibleApprovers)
    yield file.problem(
      at,
      `${size} people could review, over the limit of ${LIMITS.eligibleApprovers}; name a smaller group`,
    );
}

/** Resources that something can be granted on, with the group that answers for each. */
const owned = ({ catalog: { data } }: BundleParts): readonly { key: string; owners: string }[] =>
  Object.entries(data.resources)
    .filter(([, { actions }]) => Object.values(actions).some(({ effect }) => effect === undefined))
    .map(([key, { owners }]) => ({ key, owners }));

/** If the owners of a resource decide a stage, they must be valid approvers. */
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
 * Checks that there are enough people for a stage, whoever owns the resource. For at least one owner they must also have
 * strong enough keys; only the policies know which owner a path is for.
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
    const people = decidersIn(groupsOf(stage.approvers, owners), directory);
    weak.push(...[...checkAssurance(paths.file, at, stage, people, who, directory)].slice(0, 1));
    if (people.size > LIMITS.eligibleApprovers)
      yield paths.file.problem(
        [...at, 'approvers'],
        `${people.size} people may approve${who}, over the limit of ${LIMITS.eligibleApprovers}; name smaller groups`,
      );
    if (people.size < stage.quorum)
      yield paths.file.problem(
        [...at, 'quorum'],
        `only ${people.size} people may approve${who}, so ${stage.quorum} never will; add people or lower it`,
      );
  }
  if (weak.length === named.length) yield* weak;
}

/** Returns the members of the groups who may decide, even if they are inactive at the moment. */
const decidersIn = (groups: readonly string[], directory: FileDirectory): ReadonlySet<PrincipalId> =>
  new Set(
    groups
      .flatMap((group) => directory.allMembersOf(group))
      .filter((id) => isPerson(id) && !governs(id, directory)),
  );

const isPerson = (id: PrincipalId): boolean => id.startsWith('person/');

const governs = (id: PrincipalId, directory: FileDirectory): boolean =>
  directory.everHeldRoles(id).some((role) => (GOVERNANCE_ROLES as readonly string[]).includes(role));

/** Yields the reasons why members of a group cannot approve. */
function* whyNotApprovers(group: string, directory: FileDirectory): Generator<string> {
  for (const member of directory.allMembersOf(group)) {
    if (!isPerson(member)) yield `${member} in ${group} is not a person; only people approve`;
    if (governs(member, directory))
      yield `${member} in ${group} holds a governance role, which cannot approve; take one from them`;
  }
}

/**
 * If everyone who may approve has registered keys, enough of the keys must be strong enough, unless a governor with a key
 * can invite these people to enrol a passkey.
 */
function* checkAssurance(
  file: YamlFile,
  at: readonly PropertyKey[],
  { assurance, quorum }: StageDefinition,
  people: ReadonlySet<string>,
  who: string,
  directory: FileDirectory,
): Generator<FileProblem> {
  const held = [...people].map((id) => directory.assurancesOf(id));
  const strong = held.filter((levels) => levels.some((level) => assuranceMeets(level, assurance)));
  if (held.every((levels) => levels.length > 0) && strong.length < quorum && !canEnrol(directory))
    yield file.problem(
      [...at, 'assurance'],
      `only ${strong.length} who may approve${who} have a key that is ${assurance}; register stronger keys, give a governor with ${ENROLLING_ROLE} a key to invite them by, or lower it`,
    );
}

const canEnrol = (directory: FileDirectory): boolean =>
  directory
    .identities()
    .some(
      ({ id }) =>
        directory.everHeldRoles(id).includes(ENROLLING_ROLE) && directory.assurancesOf(id).length > 0,
    );

/** An alternative path must not be weaker: as many stages, as many people, keys as strong, and no stage of the same name. */
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

/** The numbers of precedents that are read and of words that are shown are limited, so higher limits have no effect. */
function* checkRecordLimits({ paths: { data, file } }: BundleParts): Generator<FileProblem> {
  if (Object.keys(data.scrutiny).length > LIMITS.flags)
    yield file.problem(['scrutiny'], `"scrutiny" may have ${LIMITS.flags} entries; remove some`);
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
          `is over ${LIMITS.precedentsOfAKind}, the most that are read; lower it`,
        );
}

function* checkGroups(
  file: YamlFile,
  path: readonly PropertyKey[],
  groups: readonly string[],
  directory: FileDirectory,
): Generator<FileProblem> {
  for (const [index, group] of groups.entries()) {
    if (group === RESOURCE_OWNERS) continue;
    if (!directory.hasGroup(group)) {
      yield file.problem(
        [...path, index],
        `the directory has no group ${group}; add it or correct the name${didYouMean(group, directory.groupNames())}`,
      );
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
      yield {
        ...at,
        message: `${rule.id}: paths.yaml has no path ${rule.path}; add it or correct @path${didYouMean(rule.path, [...Object.keys(data.paths), POLICY_ALONE])}`,
      };
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
