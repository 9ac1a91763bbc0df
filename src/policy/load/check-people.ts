import { ENROLLING_ROLE } from '../../contracts/enrolment';
import type { FileDirectory } from '../../directory/file-directory';
import type { FileProblem, YamlFile } from '../../directory/yaml-file';
import { LIMITS } from '../../domain/limits';
import { assuranceMeets, GOVERNANCE_ROLES, type PrincipalId } from '../../domain/principal';
import { groupsOf } from '../evaluate/eligibility';
import type { CatalogParts } from './check-catalog';
import { type PathsData, RESOURCE_OWNERS, type StageDefinition } from './paths-file';

export interface BundleParts extends CatalogParts {
  readonly paths: { readonly data: PathsData; readonly file: YamlFile };
}

/** Resources that something can be granted on, with the group that answers for each. */
export const owned = ({
  catalog: { data },
}: Pick<BundleParts, 'catalog'>): readonly { key: string; owners: string }[] =>
  Object.entries(data.resources)
    .filter(([, { actions }]) => Object.values(actions).some(({ effect }) => effect === undefined))
    .map(([key, { owners }]) => ({ key, owners }));

/** Returns the members of the groups who may decide, even if they are inactive at the moment. */
export const decidersIn = (groups: readonly string[], directory: FileDirectory): ReadonlySet<PrincipalId> =>
  new Set(
    groups
      .flatMap((group) => directory.allMembersOf(group))
      .filter((id) => isPerson(id) && !governs(id, directory)),
  );

export const isPerson = (id: PrincipalId): boolean => id.startsWith('person/');

export const governs = (id: PrincipalId, directory: FileDirectory): boolean =>
  directory.everHeldRoles(id).some((role) => (GOVERNANCE_ROLES as readonly string[]).includes(role));

/** End dates pass while a bundle is in force, so only who is disabled is left out. */
const isEnabled = (id: PrincipalId, directory: FileDirectory): boolean =>
  directory.standingOf(id, Number.NEGATIVE_INFINITY)?.active === true;

/** The people of one stage, for each group that may own what is asked for. */
interface StagePeople {
  readonly people: ReadonlySet<PrincipalId>;
  readonly groups: readonly string[];
  /** Says for which owners these people decide. Empty if they decide for all. */
  readonly where: string;
}

function peopleOf(parts: BundleParts, { approvers }: StageDefinition): readonly StagePeople[] {
  const byOwners = approvers.includes(RESOURCE_OWNERS);
  const named = byOwners ? [...new Set(owned(parts).map(({ owners }) => owners))] : [''];
  return named.map((owners) => ({
    people: decidersIn(groupsOf(approvers, owners), parts.directory),
    groups: groupsOf(approvers, owners),
    where: byOwners ? ` where ${owners} owns what is asked for` : '',
  }));
}

/** Yields a problem if more people may approve a stage than are recorded. */
export function* tooManyApprovers(
  parts: BundleParts,
  at: readonly PropertyKey[],
  stage: StageDefinition,
): Generator<FileProblem> {
  for (const { people, where } of peopleOf(parts, stage))
    if (people.size > LIMITS.eligibleApprovers)
      yield parts.paths.file.problem(
        [...at, 'approvers'],
        `${people.size} people may approve${where}, over the limit of ${LIMITS.eligibleApprovers}; name smaller groups`,
      );
}

/**
 * Returns the stages that too few people could ever approve, with enough keys that are strong enough. Nobody passes by such a path: every
 * request that needs it is refused. The rest of the bundle counts, because refusing it would leave the last bundle in force, in
 * which somebody who has just left still decides.
 */
export function unreachableStages(
  parts: BundleParts,
  filled: ReadonlySet<string> = new Set(),
): readonly FileProblem[] {
  return Object.entries(parts.paths.data.paths).flatMap(([name, path]) =>
    path.stages.flatMap((stage, index) => [
      ...whyUnreachable(parts, filled, name, ['paths', name, 'stages', index], stage),
    ]),
  );
}

/** For at least one owner there must be enough strong keys; only the policies know which owner a path is for. */
function* whyUnreachable(
  parts: BundleParts,
  filled: ReadonlySet<string>,
  path: string,
  at: readonly PropertyKey[],
  stage: StageDefinition,
): Generator<FileProblem> {
  const { quorum, assurance } = stage;
  const { file } = parts.paths;
  const all = peopleOf(parts, stage)
    .filter(({ groups }) => !groups.some((group) => filled.has(group)))
    .map(({ people, where }) => ({
      people: new Set([...people].filter((id) => isEnabled(id, parts.directory))),
      where,
    }));
  for (const { people, where } of all)
    if (people.size < quorum)
      yield file.problem(
        [...at, 'quorum'],
        `nobody can pass by the path ${path}${where}: only ${people.size} people may approve ${stage.name}, so ${quorum} never will; add people or lower it`,
      );
  const weak = all.flatMap(({ people, where }) => {
    const strong = strongIn(people, stage, parts.directory);
    return strong === undefined ? [] : [{ strong, where }];
  });
  if (weak.length < all.length) return;
  for (const { strong, where } of weak)
    yield file.problem(
      [...at, 'assurance'],
      `nobody can pass by the path ${path}${where}: only ${strong} who may approve ${stage.name} have a key that is ${assurance}; register stronger keys, give a governor with ${ENROLLING_ROLE} a key to invite them by, or lower it`,
    );
}

/**
 * Returns how many have a key that is strong enough, if that is too few. Returns undefined if it is enough, and if they can get one: somebody
 * has no key yet, or a governor with a key can invite them to enrol a passkey.
 */
function strongIn(
  people: ReadonlySet<PrincipalId>,
  { assurance, quorum }: StageDefinition,
  directory: FileDirectory,
): number | undefined {
  const held = [...people].map((id) => directory.assurancesOf(id));
  const strong = held.filter((levels) => levels.some((level) => assuranceMeets(level, assurance)));
  const isTooFew =
    held.every((levels) => levels.length > 0) && strong.length < quorum && !canEnrol(directory);
  return isTooFew ? strong.length : undefined;
}

const canEnrol = (directory: FileDirectory): boolean =>
  directory
    .identities()
    .some(
      ({ id }) =>
        directory.everHeldRoles(id).includes(ENROLLING_ROLE) && directory.assurancesOf(id).length > 0,
    );
