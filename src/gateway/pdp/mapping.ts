import { randomUUID } from 'node:crypto';
import { isPrincipalId, type PrincipalId } from '../../domain/principal';
import type { AccessRequest, Entitlement, ExecutionParameters } from '../../domain/request';
import type { CatalogEntry, PolicyBook, Presented } from '../../policy';
import type { Caller } from '../auth/caller';
import type { Action, Evaluation, Resource, Subject } from './entities';

/** `user` is what the field calls a person. */
const KINDS: Readonly<Record<string, string>> = { user: 'person' };

/** The principal that an AuthZEN subject names, or none that could exist. */
export function principalOf({ type, id }: Pick<Subject, 'type' | 'id'>): PrincipalId | undefined {
  const principal = `${KINDS[type] ?? type}/${id}`;
  return isPrincipalId(principal) ? principal : undefined;
}

/** A principal as a subject of the type it is searched by. */
export function subjectOf(principal: PrincipalId, type: string): { type: string; id: string } | undefined {
  const [kind = '', id = ''] = principal.split('/');
  return (KINDS[type] ?? type) === kind ? { type, id } : undefined;
}

/** A resource's type is the system that holds it, its id is its name there. */
export const entitlementOf = (
  resource: Pick<Resource, 'type' | 'id'>,
  action: Pick<Action, 'name'>,
): Entitlement => ({
  connector: resource.type,
  resource: resource.id,
  action: action.name,
});

/**
 * Members of an evaluation's context that policy looks at. They are bound into denials and approvals; all others are
 * not, among them whatever changes from call to call.
 */
export const AUTHORISATION_RELEVANT = ['ticket'] as const;

export function relevantContext(
  context: Readonly<Record<string, unknown>> | undefined,
): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    AUTHORISATION_RELEVANT.flatMap((name) => (context?.[name] === undefined ? [] : [[name, context[name]]])),
  );
}

/** What is asked about, read as a request; `undefined` members say why it cannot be one. */
export interface Asked {
  readonly beneficiary: PrincipalId | undefined;
  readonly entry: CatalogEntry | undefined;
  readonly request: AccessRequest | undefined;
}

/** An execution's exact action, in the properties of an AuthZEN action. */
export function parametersOf(resource: Resource, action: Action): ExecutionParameters {
  const { tool, tool_version: version, target, arguments: given } = action.properties ?? {};
  return {
    tool: typeof tool === 'string' ? tool : action.name,
    toolVersion: typeof version === 'string' ? version : '1',
    target: typeof target === 'string' ? target : resource.id,
    arguments: typeof given === 'object' && given !== null && !Array.isArray(given) ? { ...given } : {},
  };
}

/** The request that a submission of this evaluation would make, as far as policy has to see it. */
export function asRequest(
  book: PolicyBook,
  caller: Pick<Caller, 'principal' | 'onBehalfOf'>,
  { subject, action, resource, context }: Evaluation,
  atMs: number,
): Asked {
  const beneficiary = principalOf(subject);
  const entry = book.catalog.entry(entitlementOf(resource, action));
  if (beneficiary === undefined || entry === undefined) return { beneficiary, entry, request: undefined };
  const ticket = context?.['ticket'];
  const request: AccessRequest = {
    id: randomUUID(),
    kind: entry.kind,
    requester: caller.principal,
    beneficiary,
    entitlement: entry.entitlement,
    ...(entry.kind === 'execution' && {
      parameters: parametersOf(resource, action),
      containment: 'not said yet',
      rollback: 'not said yet',
    }),
    // An evaluation is about this moment; how long access lasts is said when it is requested.
    durationMs: 1_000,
    emergency: false,
    reason: 'evaluation',
    ...(typeof ticket === 'string' && ticket !== '' && { ticket: ticket.slice(0, 64) }),
    onBehalfOf: [...caller.onBehalfOf],
    submittedAtMs: atMs,
  };
  return { beneficiary, entry, request };
}

/** What an enforcement point presents, without anything that Cedar would read as more than a value. */
export function presentedIn({
  subject,
  resource,
  action,
}: {
  readonly subject?: { readonly properties?: Subject['properties'] };
  readonly resource?: { readonly properties?: Resource['properties'] };
  readonly action?: { readonly properties?: Action['properties'] };
}): Presented {
  return {
    subject: plainValues(subject?.properties),
    resource: plainValues(resource?.properties),
    action: plainValues(action?.properties),
  };
}

function plainValues(properties: Subject['properties']): Presented['subject'] {
  const plain: Record<string, string | boolean | number> = {};
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (name.startsWith('__') || name.length > 64 || Object.keys(plain).length >= 64) continue;
    if (typeof value === 'boolean' || (typeof value === 'string' && value.length <= 512)) plain[name] = value;
    if (typeof value === 'number' && Number.isSafeInteger(value)) plain[name] = value;
  }
  return plain;
}
