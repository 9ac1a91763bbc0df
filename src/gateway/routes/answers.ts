import { z } from '@hono/zod-openapi';
import { remedyOnWireSchema } from '../../contracts/remedy';
import { REFUSAL_CODES } from '../../domain/refusal';
import { OUTCOMES } from '../../domain/statement';
import { STATUSES } from '../../domain/status';

/*
 * What routes answer, for the OpenAPI document, so that generated clients have types. Later versions may add members. Arguments and
 * facts are plain objects here, because the document cannot describe JSON of any depth.
 */

const plain = z.record(z.string(), z.unknown());
const list = z.array(z.string());
const moment = z.iso.datetime();

const entitlement = z
  .object({ connector: z.string(), resource: z.string(), action: z.string() })
  .openapi('Entitlement');
const parameters = z
  .object({ tool: z.string(), toolVersion: z.string(), target: z.string(), arguments: plain })
  .openapi('ExecutionParameters');
const asked = {
  id: z.string(),
  kind: z.enum(['access', 'execution']),
  entitlement,
  parameters: parameters.optional(),
  durationMs: z.number().int(),
  emergency: z.boolean(),
  emergencyCondition: z.string().optional(),
  reason: z.string(),
  ticket: z.string().optional(),
  containment: z.string().optional(),
  rollback: z.string().optional(),
};
/** What a caller asks for itself: the token says who asks. */
export const askBody = z.object(asked).openapi('Ask');
const request = z
  .object({
    ...asked,
    requester: z.string(),
    beneficiary: z.string(),
    onBehalfOf: list,
    submittedAtMs: z.number().int(),
  })
  .openapi('AccessRequest');
const proof = z.discriminatedUnion('format', [
  z.object({ format: z.literal('jws'), jws: z.string() }),
  z.object({
    format: z.literal('webauthn'),
    claims: z.string(),
    credentialId: z.string(),
    authenticatorData: z.string(),
    clientDataJSON: z.string(),
    signature: z.string(),
  }),
]);
export const submissionBody = z.object({ request, proof }).openapi('SignedSubmission');
export const submitted = z.object({ id: z.string() }).openapi('Submitted');

const refusal = z.object({ code: z.enum(REFUSAL_CODES), detail: z.string() }).openapi('Refusal');
const status = z.enum(STATUSES).openapi('Status');
export const statementAnswer = z
  .object({
    accepted: z.boolean(),
    refusal: refusal.optional(),
    status,
    revision: z.number().int().optional(),
  })
  .openapi('StatementAnswer');

export const requestableAnswer = z
  .object({
    requestable: z.array(
      z.object({
        entitlement: z.string(),
        kind: z.enum(['access', 'execution']),
        title: z.string(),
        answer: z.enum(['by_policy', 'after_approval', 'in_emergency', 'never']),
        needs_ticket: z.boolean().optional(),
        /** True if policy looks at the arguments of the action; `answer` is then for those of which it asks least. */
        depends_on_arguments: z.boolean().optional(),
        emergency_conditions: list.optional(),
        /** Who decides: `policy alone`, or each stage with how many of whom it needs. */
        decided_by: list.optional(),
        longest_ms: z.number().int().optional(),
        safe_way: z.string().optional(),
      }),
    ),
  })
  .openapi('Requestable');

const row = z.object({
  id: z.string(),
  status,
  requester: z.string(),
  beneficiary: z.string(),
  entitlement: z.string(),
  emergency: z.boolean(),
  deadline: moment.optional(),
});
/**
 * `withheld` counts rows that the server lists and that do not verify. `complete` is false if the server lists more than could be
 * verified in time.
 */
export const awaitingAnswer = z
  .object({ requests: z.array(row), withheld: z.number().int(), complete: z.boolean() })
  .openapi('Awaiting');
export const concerningAnswer = z
  .object({
    requests: z.array(row.extend({ startedAt: moment.optional(), expiresAt: moment.optional() }).loose()),
    withheld: z.number().int(),
    complete: z.boolean(),
  })
  .openapi('Concerning');
/** What of an answer is derived from signatures and policy, and what only the server says. */
const shownProof = z
  .looseObject({ holds: z.boolean(), code: z.string().optional(), why: z.string().optional() })
  .openapi('Proof');
/** What became of a request whose workflow was ended from outside. A deleted one is answered with 410 and the code `WORKFLOW_GONE`. */
const gone = z.object({ workflow: z.string(), says: z.string() }).optional();
export const requestAnswer = z
  .object({
    request,
    proof: shownProof,
    gone,
    digest: z.string().optional(),
    status,
    revision: z.number().int(),
    stage: z.string().optional(),
    awaiting: list,
    approvals: z.array(z.object({ by: z.string(), stage: z.string() })),
    will_happen: list.optional(),
    policy: z
      .looseObject({
        outcome: z.enum(['hard_stop', 'refuse', 'permit', 'approve']),
        reason_codes: list,
        explanation: z.string(),
        determining_policies: list,
        policy_digest: z.string(),
        flags: list.optional(),
        /** What would change a refusal. */
        remedy: remedyOnWireSchema.optional(),
      })
      .optional(),
    safe_way: z.string().optional(),
    waiting_since: moment.optional(),
    next: z.object({ what: z.string(), at: moment }).optional(),
    ending: z.string().optional(),
    failure: refusal.optional(),
    account: z.string().optional(),
    until: moment.optional(),
    audience: z.string().optional(),
    barred: z.boolean().optional(),
    execution: z.looseObject({ outcome: z.string().optional() }).optional(),
    review: z.string(),
  })
  .openapi('Request');
export const viewAnswer = z.object({ view: plain, proof: shownProof, gone }).openapi('RequestView');

export const tokenAnswer = z
  .object({
    token: z.string(),
    token_type: z.literal('DPoP'),
    audience: z.string(),
    expires_at: moment,
    request: z.string(),
    action_digest: z.string(),
  })
  .openapi('ExecutionToken');
export const redeemedAnswer = z
  .object({
    request: z.string(),
    digest: z.string(),
    redeemed_at: moment,
    entitlement,
    parameters: parameters.optional(),
    beneficiary: z.string(),
    grant: z.record(z.string(), z.string()),
  })
  .openapi('Redeemed');
export const outcomeAnswer = z
  .object({ request: z.string(), outcome: z.enum(OUTCOMES), recorded: z.boolean() })
  .openapi('OutcomeRecorded');
export const evidenceAnswer = z
  .object({ submission: z.object({ request, proof }), assessment: plain, statements: z.array(plain) })
  .openapi('Evidence');

export const jsonSchemaAnswer = plain.openapi('JsonSchema');
export const catalogsAnswer = plain.openapi('Catalogs');
export const emergencyConditionsAnswer = plain.openapi('EmergencyConditions');

export const metadataAnswer = z
  .object({
    policy_decision_point: z.string(),
    access_evaluation_endpoint: z.string(),
    access_evaluations_endpoint: z.string(),
    search_subject_endpoint: z.string(),
    search_resource_endpoint: z.string(),
    search_action_endpoint: z.string(),
    access_request_endpoint: z.string(),
    jwks_uri: z.string(),
    capabilities: list,
    signed_metadata: z.string(),
  })
  .openapi('DecisionPointMetadata');
export const resourceAnswer = z
  .object({
    resource: z.string(),
    resource_name: z.string(),
    authorization_servers: list.optional(),
    bearer_methods_supported: list,
    dpop_signing_alg_values_supported: list,
  })
  .openapi('ProtectedResourceMetadata');
export const jwksAnswer = z.object({ keys: z.array(plain) }).openapi('KeySet');
export const healthAnswer = z.object({ status: z.literal('ok') }).openapi('Health');
export const readyAnswer = z
  .object({ status: z.literal('ready'), policy: z.string(), directory: z.string() })
  .openapi('Ready');
export const documentAnswer = plain.openapi('OpenApiDocument');
