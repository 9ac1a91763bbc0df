import type { FileDirectory } from '../../directory/file-directory';
import { didYouMean } from '../../directory/nearest';
import type { FileProblem, YamlFile } from '../../directory/yaml-file';
import { LIMITS } from '../../domain/limits';
import { assuranceMeets } from '../../domain/principal';
import { takesMoreChannels } from '../../domain/stages';
import { checkCatalog } from './check-catalog';
import { type BundleParts, decidersIn, governs, isPerson, owned, tooManyApprovers } from './check-people';
import { checkTools } from './check-tools';
import { type PathsData, POLICY_ALONE, RESOURCE_OWNERS } from './paths-file';

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
      yield* tooManyApprovers(parts, at, stage);
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

/** Yields the reasons why members of a group cannot approve. */
function* whyNotApprovers(group: string, directory: FileDirectory): Generator<string> {
  for (const member of directory.allMembersOf(group)) {
    if (!isPerson(member)) yield `${member} in ${group} is not a person; only people approve`;
    if (governs(member, directory))
      yield `${member} in ${group} holds a governance role, which cannot approve; take one from them`;
  }
}

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
        one === undefined ||
        one.quorum < stage.quorum ||
        !assuranceMeets(one.assurance, stage.assurance) ||
        takesMoreChannels(one, stage)
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
