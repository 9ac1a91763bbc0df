import { randomUUID } from 'node:crypto';
import { LIMITS } from '../../domain/limits';
import type { PrincipalId } from '../../domain/principal';
import type { AccessRequest, ExecutionParameters, Presented } from '../../domain/request';
import type { CatalogEntry, PolicyContext } from '../../policy';
import type { Caller } from '../auth/caller';
import type { Action, Evaluation, Resource, Subject } from './entities';
import type { Names, WrongMember } from './names';

/**
 * Context members that policy looks at. Denials and approvals are bound to these and to no others, since others may change from
 * call to call.
 */
const AUTHORISATION_RELEVANT = ['ticket'] as const;

export function relevantContext(
  context: Readonly<Record<string, unknown>> | undefined,
): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    AUTHORISATION_RELEVANT.flatMap((name) => (context?.[name] === undefined ? [] : [[name, context[name]]])),
  );
}

/** An evaluation read as a request. An undefined member is what made it impossible. */
export interface MappedEvaluation {
  readonly beneficiary: PrincipalId | undefined;
  readonly entry: CatalogEntry | undefined;
  readonly request: AccessRequest | undefined;
}

/** Reads an execution's exact action from the properties of an AuthZEN action. */
function parametersOf(resource: Resource, action: Action): ExecutionParameters {
  const { tool, tool_version: version, target, arguments: args } = action.properties ?? {};
  return {
    tool: typeof tool === 'string' ? tool : action.name,
    toolVersion: typeof version === 'string' ? version : '1',
    target: typeof target === 'string' ? target : resource.id,
    arguments: typeof args === 'object' && args !== null && !Array.isArray(args) ? { ...args } : {},
  };
}

/** Reads evaluations as requests. */
export class RequestMapping {
  constructor(
    private readonly names: Names,
    private readonly enforcementPoints: ReadonlySet<string>,
  ) {}

  /**
   * Says which member of an evaluation leads to nothing here. Resource and action are named together: whether a resource of this name
   * exists is not for everyone to know.
   */
  wrongMember({ directory }: PolicyContext, { subject }: Evaluation): WrongMember {
    return (
      this.names.wrongSubject(directory, subject) ?? {
        member: 'resource, action',
        detail: 'the catalog has no such action on such a resource; resource.type is the connector',
      }
    );
  }

  /** Makes the request that submitting this evaluation would make, as far as policy looks at it. */
  asRequest(
    context: PolicyContext,
    caller: Pick<Caller, 'principal' | 'onBehalfOf'>,
    evaluation: Evaluation,
    atMs: number,
  ): MappedEvaluation {
    const { subject, action, resource, context: said } = evaluation;
    const beneficiary = this.names.principalOf(context.directory, subject);
    const entry = context.catalog.entry(this.names.entitlementOf(resource, action));
    if (beneficiary === undefined || entry === undefined) return { beneficiary, entry, request: undefined };
    const ticket = said?.['ticket'];
    const presented = this.enforcementPoints.has(caller.principal)
      ? presentedIn(evaluation, context)
      : undefined;
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
      ...(presented && { presented }),
      // An evaluation is about this moment. A submission says how long access lasts.
      durationMs: 1_000,
      emergency: false,
      reason: 'evaluation',
      ...(typeof ticket === 'string' && ticket !== '' && { ticket }),
      onBehalfOf: [...caller.onBehalfOf],
      submittedAtMs: atMs,
    };
    return { beneficiary, entry, request };
  }
}

/**
 * Returns the properties of an enforcement point that policies speak of, without any that Cedar would read as more than a plain
 * value. Undefined if no policy speaks of any. Others are not carried: they may be secrets, and decide nothing.
 */
function presentedIn(
  { subject, resource, action }: Pick<Evaluation, 'subject' | 'resource' | 'action'>,
  { engine }: PolicyContext,
): Presented | undefined {
  if (engine.spokenOf.size === 0) return undefined;
  const plain = (of: keyof Presented, properties: Subject['properties']) =>
    plainValues(properties, (name) => engine.spokenOf.has(`${of}.${name}`));
  return {
    subject: plain('subject', subject.properties),
    resource: plain('resource', resource.properties),
    action: plain('action', action.properties),
  };
}

function plainValues(
  properties: Subject['properties'],
  isSpokenOf: (name: string) => boolean,
): Presented['subject'] {
  const plain: Record<string, string | boolean | number> = {};
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (!isSpokenOf(name)) continue;
    if (
      typeof value === 'boolean' ||
      (typeof value === 'string' && value.length <= LIMITS.presentedCharacters)
    )
      plain[name] = value;
    if (typeof value === 'number' && Number.isSafeInteger(value)) plain[name] = value;
  }
  return plain;
}
