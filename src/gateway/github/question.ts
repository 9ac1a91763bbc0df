import { z } from 'zod';
import type { newRequestSchema } from '../../contracts/request';
import { parseEntitlement } from '../../domain/request';
import type { GatewayKeys } from '../keys';
import type { DeploymentRule } from './config';

/** What GitHub asks: may this deployment of this commit go to this environment? */
export const questionSchema = z.strictObject({
  installation: z.int().positive(),
  repositoryId: z.int().positive(),
  repository: z.string(),
  environment: z.string(),
  run: z.int().positive(),
  deployment: z.int().positive(),
  commit: z.string(),
});
export type Question = z.output<typeof questionSchema>;

/**
 * Returns the id of the request that a question becomes: the same for a second delivery, another for another commit, run, environment or
 * attempt. Nobody without the gateway's key can find a question that has the id of another request.
 */
export const requestIdOf = (
  question: Question,
  { as, entitlement }: DeploymentRule,
  keys: GatewayKeys,
): string =>
  keys.identifier(
    'ghd_',
    String(question.installation),
    String(question.repositoryId),
    question.repository,
    question.environment,
    String(question.run),
    String(question.deployment),
    question.commit,
    as,
    entitlement,
  );

type Asked = Omit<z.output<typeof newRequestSchema>, 'submittedAtMs'>;

/** Returns the request that a question becomes. What people sign covers the commit, the environment and the run. */
export function askedBy(question: Question, rule: DeploymentRule, id: string): Asked {
  const { repository, repositoryId, environment, run, deployment, commit } = question;
  const entitlement = parseEntitlement(rule.entitlement);
  if (entitlement === undefined) throw new Error(`${rule.entitlement} is not an entitlement`);
  const { action, as } = rule;
  return {
    id,
    kind: action === undefined ? 'access' : 'execution',
    requester: as,
    beneficiary: as,
    onBehalfOf: [],
    entitlement,
    durationMs: rule.for,
    emergency: false,
    reason: `deploy ${repository} at commit ${commit} to ${environment}, run ${run}, deployment ${deployment}`,
    ...(action && {
      parameters: {
        tool: action.tool,
        toolVersion: action.version,
        target: action.target,
        arguments: { repository, repositoryId, environment, commit, run, deployment },
      },
      containment: action.containment,
      rollback: action.rollback,
    }),
  };
}
