import type { VerifiedRequest } from '../../verified/verify-request';
import { type Review, reviewOf } from '../questions/review';
import type { DeploymentStanding } from './api';
import type { DeploymentRule } from './config';
import { askedBy, type Question } from './question';

/** Returns what GitHub is told of a question, or undefined while the request is undecided. */
export const deploymentReviewOf = (
  read: VerifiedRequest,
  question: Question,
  rule: DeploymentRule,
): Review | undefined => reviewOf(read, (id) => askedBy(question, rule, id));

/** Returns why the question is no longer GitHub's, or undefined if it still is: same repository, commit, environment and attempt. */
export function whyStale({ run, deployment }: DeploymentStanding, question: Question): string | undefined {
  if (run.repository.id !== question.repositoryId) return 'the run is of another repository';
  if (run.id !== question.run || deployment.id !== question.deployment)
    return 'GitHub answers about another run';
  if (run.status === 'completed') return 'the run is over';
  if (deployment.sha !== question.commit) return 'the deployment is of another commit';
  if (deployment.environment !== question.environment) return 'the deployment is to another environment';
  // A run that is run again keeps its number. Its new attempt makes deployments of its own.
  if (Date.parse(deployment.created_at) < Date.parse(run.run_started_at)) return 'the run was started again';
  return undefined;
}
