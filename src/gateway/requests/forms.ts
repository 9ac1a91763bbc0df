import { LIMITS } from '../../domain/limits';
import { assess, type BundleSource, type LoadedBundle } from '../../policy';
import type { Caller } from '../auth/caller';
import { HttpProblem } from '../http/problem';
import type { DecisionPoint } from '../pdp/decide';
import { EXTENSION } from './schema';

const words = { type: 'string', minLength: 1, maxLength: LIMITS.reasonCharacters };
const until = { type: 'string', format: 'date-time', description: 'when the requested access ends' };

/** Returns the JSON Schema of what a submission adds to its evaluation (profile, "Machine-Readable Forms"). */
export function formSchema(kind: string): object {
  const context: Record<string, object> = {
    business_justification: words,
    ticket: { type: 'string', maxLength: LIMITS.ticketCharacters },
  };
  const requested: Record<string, object> = { requested_until: until };
  const needed = { context: ['business_justification'], requested: [] as string[] };
  if (kind === 'execution') {
    context[EXTENSION.containment] = words;
    context[EXTENSION.rollback] = words;
    needed.context.push(EXTENSION.containment, EXTENSION.rollback);
  } else if (kind === 'emergency') {
    requested['emergency'] = { const: true };
    requested[EXTENSION.emergencyCondition] = { type: 'string' };
    needed.requested.push('emergency', EXTENSION.emergencyCondition);
  } else if (kind !== 'access') {
    throw new HttpProblem(404, 'there is no such form');
  }
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    type: 'object',
    required: needed.requested.length > 0 ? ['context', 'requested_access'] : ['context'],
    properties: {
      context: { type: 'object', required: needed.context, properties: context },
      requested_access: { type: 'object', required: needed.requested, properties: requested },
    },
  };
}

export interface CatalogQuery {
  readonly subject_type: string;
  readonly subject_id: string;
  readonly resource_type: string;
  readonly resource_id: string;
  readonly action: string;
}

/** Says which field is chosen from which catalog. The catalog's address carries what it is chosen for. */
export function catalogsDocument(publicUrl: string, query: CatalogQuery): object {
  const search = new URLSearchParams({ ...query });
  const pointer = `/requested_access/${EXTENSION.emergencyCondition.replaceAll('~', '~0').replaceAll('/', '~1')}`;
  return {
    fields: {
      [pointer]: {
        endpoint: `${publicUrl}/access/v1/catalog/emergency-conditions?${search}`,
        search_param: 'q',
      },
    },
  };
}

/**
 * Lists the conditions under which this caller may request exactly this as an emergency. Others get an empty list, because the
 * catalog itself is worth knowing to an attacker.
 */
export async function emergencyConditions(
  caller: Caller,
  query: CatalogQuery,
  search: string,
  bundles: BundleSource<LoadedBundle>,
  decisions: DecisionPoint,
  nowMs: number,
): Promise<object> {
  const { context } = await bundles.current();
  const about = decisions.assess(context, caller, {
    subject: { type: query.subject_type, id: query.subject_id },
    resource: { type: query.resource_type, id: query.resource_id },
    action: { name: query.action },
  });
  if (about === undefined) return { items: [] };
  // The submission brings the ticket, so this lists what a ticket would let through.
  const request = { ...about.request, ticket: about.request.ticket ?? 'to be named' };
  const items = [...context.emergencyConditions]
    .filter((name) => name.toLowerCase().includes(search.toLowerCase()))
    .filter((emergencyCondition) => {
      const { outcome } = assess(context, { ...request, emergency: true, emergencyCondition }, nowMs);
      return outcome === 'approve' || outcome === 'permit';
    })
    .map((value) => ({ value, label: value.replaceAll('-', ' '), risk_level: 'high' }));
  return { items, total: items.length };
}
