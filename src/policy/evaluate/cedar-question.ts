import type { Context, EntityJson, TypeAndId } from '@cedar-policy/cedar-wasm/nodejs';
import type { Directory, Identity } from '../../directory/directory';
import type { PrincipalId, Standing } from '../../domain/principal';
import type { AccessRequest } from '../../domain/request';
import type { CatalogEntry } from '../load/catalog';
import type { Bearing } from './bearing';
import type { CedarQuestion } from './cedar-engine';

/** Returns the attributes of a request that policies can use; the assessment records the same ones. */
export function factsOf(directory: Directory, request: AccessRequest) {
  const beneficiary = directory.identity(request.beneficiary);
  return {
    selfRequested: request.requester === request.beneficiary,
    /** True if the requester owns or sponsors the beneficiary. */
    requestedByGuardian: [beneficiary?.owner, beneficiary?.sponsor].includes(request.requester),
    delegated: request.onBehalfOf.length > 0,
    durationSeconds: Math.ceil(request.durationMs / 1_000),
    emergency: request.emergency,
    hasTicket: request.ticket !== undefined,
    ...(request.parameters && { tool: request.parameters.tool, target: request.parameters.target }),
    ...(request.presented && { presented: { ...request.presented } }),
  };
}

/** Returns the attributes of the precedents that policies can use. */
export const pastOf = (bearing: Bearing) => ({
  deniedBefore: bearing.deniedBefore,
  deniedByControl: bearing.deniedByControl,
  timesAsked: bearing.timesAsked,
  recentEmergencies: bearing.recentEmergencies,
  unjustifiedEmergencies: bearing.unjustifiedEmergencies,
});

/**
 * Builds the question for Cedar: may this beneficiary do this action on this resource, in this context?
 *
 * @param mapped the arguments that the action declares; absent if it declares none
 */
export function questionOf(
  directory: Directory,
  entry: CatalogEntry,
  request: AccessRequest,
  bearing: Bearing,
  atMs: number,
  mapped?: Context,
): CedarQuestion {
  const principal = uidOf(request.beneficiary);
  const resource = { type: 'Resource', id: `${entry.entitlement.connector}:${entry.entitlement.resource}` };
  const standing = directory.standingOf(request.beneficiary, atMs);
  return {
    principal,
    action: entry.entitlement.action,
    resource,
    context: {
      ...factsOf(directory, request),
      ...pastOf(bearing),
      ...(mapped && { arguments: mapped }),
    },
    entities: [
      principalEntity(principal, standing, directory.identity(request.beneficiary)),
      {
        uid: resource,
        attrs: {
          tags: [...entry.tags],
          owners: { __entity: { type: 'Group', id: entry.owners } },
          ...(entry.properties && { properties: { ...entry.properties } }),
        },
        parents: [],
      },
    ],
  };
}

function principalEntity(
  uid: TypeAndId,
  standing: Standing | undefined,
  { endsAtMs, attributes }: Partial<Identity> = {},
): EntityJson {
  const groups = standing?.groups.map((id) => ({ type: 'Group', id })) ?? [];
  const roles = standing?.roles.map((id) => ({ type: 'Role', id })) ?? [];
  const attrs = {
    kind: standing?.kind ?? 'unknown',
    temporary: endsAtMs !== undefined,
    ...(attributes && { attributes: { ...attributes } }),
  };
  return { uid, attrs, parents: [...groups, ...roles] };
}

/** People and non-human identities are different types, so that a policy for one never applies to the other. */
const uidOf = (id: PrincipalId): TypeAndId => ({
  type: id.startsWith('person/') ? 'Person' : 'Workload',
  id,
});
