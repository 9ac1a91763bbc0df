import type { EntityJson, TypeAndId } from '@cedar-policy/cedar-wasm/nodejs';
import type { DirectoryBook } from '../directory/directory-book';
import type { PrincipalId, Standing } from '../domain/principal';
import type { AccessRequest } from '../domain/request';
import type { Bearing } from './bearing';
import type { CatalogEntry } from './catalog';
import type { CedarQuestion } from './cedar-engine';

/** Attributes of a request that policies may speak of; the same go into the record. */
export function factsOf(directory: DirectoryBook, request: AccessRequest) {
  const beneficiary = directory.identity(request.beneficiary);
  return {
    selfRequested: request.requester === request.beneficiary,
    /** The requester owns or sponsors the beneficiary. */
    requestedByGuardian: [beneficiary?.owner, beneficiary?.sponsor].includes(request.requester),
    delegated: request.onBehalfOf.length > 0,
    durationSeconds: Math.ceil(request.durationMs / 1_000),
    emergency: request.emergency,
    hasTicket: request.ticket !== undefined,
    ...(request.parameters && { tool: request.parameters.tool, target: request.parameters.target }),
  };
}

/** What went before, as policies may speak of it. */
export const pastOf = (bearing: Bearing) => ({
  deniedBefore: bearing.deniedBefore,
  deniedByControl: bearing.deniedByControl,
  timesAsked: bearing.timesAsked,
  recentEmergencies: bearing.recentEmergencies,
  unjustifiedEmergencies: bearing.unjustifiedEmergencies,
});

/** A value that an enforcement point may present: nothing that Cedar would take for an entity or an extension. */
type PresentedValue = string | boolean | number;

/**
 * What an enforcement point says of those and that which it asks about (AuthZEN `properties`). Policies see it under
 * `context.presented` and only where their schema names it. It is there for decisions at an enforcement point alone: an
 * act on a target is proved without it.
 */
export interface Presented {
  readonly subject: Readonly<Record<string, PresentedValue>>;
  readonly resource: Readonly<Record<string, PresentedValue>>;
  readonly action: Readonly<Record<string, PresentedValue>>;
}

/** The request as Cedar is asked about it: may this beneficiary do this action on this resource, in this context? */
export function questionOf(
  directory: DirectoryBook,
  entry: CatalogEntry,
  request: AccessRequest,
  bearing: Bearing,
  atMs: number,
  presented?: Presented,
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
      ...(presented && { presented: { ...presented } }),
    },
    entities: [
      principalEntity(principal, standing, directory.identity(request.beneficiary)?.endsAtMs !== undefined),
      {
        uid: resource,
        attrs: { tags: [...entry.tags], owners: { __entity: { type: 'Group', id: entry.owners } } },
        parents: [],
      },
    ],
  };
}

function principalEntity(uid: TypeAndId, standing: Standing | undefined, temporary: boolean): EntityJson {
  const groups = standing?.groups.map((id) => ({ type: 'Group', id })) ?? [];
  const roles = standing?.roles.map((id) => ({ type: 'Role', id })) ?? [];
  return { uid, attrs: { kind: standing?.kind ?? 'unknown', temporary }, parents: [...groups, ...roles] };
}

/** People and non-human identities are different types, so that a policy for one never speaks of the other. */
const uidOf = (id: PrincipalId): TypeAndId => ({
  type: id.startsWith('person/') ? 'Person' : 'Workload',
  id,
});
