import { formatDuration } from '../../contracts/duration';
import { type FileProblem, YamlFile } from '../../directory/yaml-file';
import { LIMITS } from '../../domain/limits';
import type { PrincipalId } from '../../domain/principal';
import { entitlementName } from '../../domain/request';
import { deciders, groupsOf } from '../evaluate/eligibility';
import type { LoadedBundle } from '../load/load-bundle';
import { RESOURCE_OWNERS } from '../load/paths-file';
import type { Exploration } from './explore';

/** How many names one piece of advice shows. */
const NAMED = 5;

/**
 * Says what in a good bundle is likely to surprise people: approvers who could not sign, people and workloads who could not
 * get what policy lets them have, and grants that may last as long as there is a limit at all. Each piece of advice names file
 * and line.
 */
export function adviceOn(
  bundle: LoadedBundle,
  { withoutAccount, decided }: Pick<Exploration, 'withoutAccount' | 'decided'>,
  atMs: number,
): readonly FileProblem[] {
  return [
    ...approversWithoutKeys(bundle, atMs),
    ...accountsToAdd(bundle, withoutAccount),
    ...unlimitedPermits(bundle),
    ...permitsBlindToArguments(bundle, decided),
    ...toolsWithoutPin(bundle),
  ];
}

function* approversWithoutKeys({ context, file, files }: LoadedBundle, atMs: number): Generator<FileProblem> {
  const yaml = new YamlFile('paths.yaml', files.get('paths.yaml') ?? '');
  const owners = [...new Set(context.catalog.entries().map((entry) => entry.owners))];
  for (const { name, stages } of context.paths.values())
    for (const [index, { name: stage, approvers, assurance }] of stages.entries()) {
      if (assurance === 'channel') continue;
      const named = approvers.includes(RESOURCE_OWNERS) ? owners : [''];
      const people = new Set(
        named.flatMap((owner) => deciders(groupsOf(approvers, owner), new Set(), file, atMs)),
      );
      const keyless = [...people].filter((id) => file.assurancesOf(id).length === 0).sort();
      if (keyless.length === 0) continue;
      yield yaml.problem(
        ['paths', name, 'stages', index, 'approvers'],
        `${keyless.length} of ${people.size} who may approve ${stage} of ${name} have no key in directory.yaml: ${firstOf(keyless)}; they cannot sign until they enrol one (countersign enrol)`,
      );
    }
}

function* accountsToAdd(
  { files }: LoadedBundle,
  withoutAccount: Exploration['withoutAccount'],
): Generator<FileProblem> {
  if (withoutAccount.length === 0) return;
  const yaml = new YamlFile('directory.yaml', files.get('directory.yaml') ?? '');
  for (const { id, entitlement } of withoutAccount)
    yield yaml.problem(
      [id.startsWith('person/') ? 'people' : 'identities', id],
      `policy lets ${id} have ${entitlementName(entitlement)}, but they have no account there, so every request is refused; add accounts: { ${entitlement.connector}: NAME }`,
    );
}

function* unlimitedPermits({ context }: LoadedBundle): Generator<FileProblem> {
  for (const rule of context.engine.rules.values()) {
    if (rule.effect !== 'permit' || rule.maxDurationMs !== undefined) continue;
    if (rule.path !== undefined && context.paths.get(rule.path)?.maxDuration !== undefined) continue;
    const longestMs = rule.emergency === undefined ? LIMITS.grantMs : LIMITS.emergencyGrantMs;
    const where = rule.path === undefined ? '' : `, and its path ${rule.path} has no maxDuration`;
    yield {
      file: rule.file,
      line: rule.line,
      message: `${rule.id} has no @max_duration${where}, so what it permits may last ${formatDuration(longestMs)}; add one`,
    };
  }
}

/** A permit that looks at no argument lets every amount and every target through. */
function* permitsBlindToArguments(
  { context: { engine } }: LoadedBundle,
  decided: Exploration['decided'],
): Generator<FileProblem> {
  for (const rule of engine.rules.values()) {
    if (rule.effect !== 'permit' || (engine.reads.arguments.get(rule.id) ?? []).length > 0) continue;
    const actions = [...(decided.get(rule.id) ?? [])].filter((action) => engine.declared.has(action)).sort();
    if (actions.length === 0) continue;
    yield {
      file: rule.file,
      line: rule.line,
      message: `${rule.id} looks at no argument of ${firstOf(actions)}, which declares some, so it lets all of them through; compare context.arguments, or name the actions that it is for`,
    };
  }
}

function* toolsWithoutPin({ context, toolPins, files }: LoadedBundle): Generator<FileProblem> {
  const yaml = new YamlFile('catalog.yaml', files.get('catalog.yaml') ?? '');
  for (const [server, tools] of context.catalog.tools())
    for (const tool of tools) {
      const pins = Object.hasOwn(toolPins, server) ? toolPins[server] : undefined;
      if (pins !== undefined && Object.hasOwn(pins, tool)) continue;
      yield yaml.problem(
        ['tools', server, tool],
        `nobody has looked at the definition of ${tool} of ${server}, so the gate holds it; run countersign gate pin`,
      );
    }
}

const firstOf = (ids: readonly PrincipalId[]): string =>
  ids.slice(0, NAMED).join(', ') + (ids.length > NAMED ? ` and ${ids.length - NAMED} more` : '');
