import path from 'node:path';
import { createRemoteJWKSet } from 'jose';
import { SILENT_LOGGER } from '../../../../src/contracts/logger';
import {
  type Decision,
  type EnforcementPoint,
  type Evaluation,
  GatewayError,
  MigrationExecutor,
  type TaskAnswer,
  TokenCheck,
} from '../../../../src/enforcement';
import { authorityOver, createBundleSource, FileTicketSource } from '../../../../src/policy';
import { MIGRATION_LOGIN } from '../../../../src/stack/target-ready';
import type { UpStack } from './up-stack';

export const PIPELINE = { type: 'ci', id: 'payments' };

/** An exact change that the pipeline proposes. */
export function change(
  resource: string,
  action: string,
  tool: string,
  given: object,
  ticket?: string,
): Evaluation {
  return {
    subject: PIPELINE,
    action: {
      name: action,
      properties: { tool, tool_version: '1', target: resource, arguments: given },
    },
    resource: { type: 'changes', id: resource },
    ...(ticket !== undefined && { context: { ticket } }),
  };
}

export const additions = {
  context: {
    business_justification: 'release 42',
    'urn:countersign:containment': 'stop the pipeline and put the service into read-only mode',
    'urn:countersign:rollback': 'run the reverse change that is attached to the release',
  },
  requestedAccess: { requested_until: new Date(Date.now() + 20 * 60_000).toISOString() },
};

/** Asks, is denied, and requests what was denied. */
export async function propose(
  point: EnforcementPoint,
  evaluation: Evaluation,
): Promise<{ denial: Decision; task: TaskAnswer }> {
  const denial = await point.evaluate(evaluation);
  expect(denial).toMatchObject({ decision: false, context: { reason: 'approval_required' } });
  const task = await point.request(evaluation, denial, additions);
  expect(task.task.status).toBe('pending');
  return { denial, task };
}

export const codeOf = (attempt: Promise<unknown>): Promise<string | undefined> =>
  attempt.then(
    () => 'done',
    (error: unknown) =>
      error instanceof GatewayError ? (error.code ?? String(error.status)) : String(error),
  );

export const actionOf = ({ action }: Evaluation) => {
  const { tool, tool_version, target, arguments: given } = action.properties ?? {};
  return { tool, toolVersion: tool_version, target, arguments: given };
};

/** What a caller says who will not wait. */
export const approvedLie = (task: TaskAnswer): TaskAnswer => ({
  task: { ...task.task, status: 'approved' },
  result: { mode: 'urn:countersign:result-mode:execution-token', execution: { request: task.task.id } },
});

/** The executor of migrations, with its own copy of the bundle, as the identity of that enforcement point. */
export async function migrationExecutor(stack: UpStack, point: EnforcementPoint): Promise<MigrationExecutor> {
  const bundles = await createBundleSource(path.join(stack.stateDir, 'bundle'), {
    tickets: new FileTicketSource(undefined),
    logger: SILENT_LOGGER,
  });
  return new MigrationExecutor({
    tokenUsesUrl: stack.targetUrl,
    loginOf: (role) => (role === 'payments_schema_owner' ? stack.targetUrlFor(MIGRATION_LOGIN) : undefined),
    audience: 'service/migrator',
    authority: authorityOver(bundles),
    evidence: (requestId) => point.evidence(requestId),
    tokens: new TokenCheck({
      issuer: stack.url,
      keys: createRemoteJWKSet(new URL(`${stack.url}/access/v1/jwks`)),
    }),
    report: (...said) => point.reportOutcome(...said),
  });
}
