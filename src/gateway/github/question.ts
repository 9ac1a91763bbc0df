import { z } from 'zod';
import type { GatewayKeys } from '../keys';
import { type Asked, askedFor } from '../questions/asked-for';
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

/** Returns the request that a question becomes. What people sign covers the commit, the environment and the run. */
export function askedBy(question: Question, rule: DeploymentRule, id: string): Asked {
  const { repository, repositoryId, environment, run, deployment, commit } = question;
  return askedFor(rule, id, {
    reason: `deploy ${repository} at commit ${commit} to ${environment}, run ${run}, deployment ${deployment}`,
    call: { repository, repositoryId, environment, commit, run, deployment },
  });
}
