import { digestOf } from '../../domain/digest';
import type { AccessRequest } from '../../domain/request';
import type { VerifiedRequest } from '../../verified/verify-request';
import { TASK_STATUS } from '../requests/task-view';
import type { DeploymentStanding } from './api';
import type { DeploymentRule } from './config';
import { askedBy, type Question } from './question';

/** What GitHub is told of a question, or undefined while the request is undecided. */
export interface DeploymentReview {
  readonly state: 'approved' | 'rejected';
  /** Our own words and codes. What people wrote stays behind the link. */
  readonly reason: string;
}

/**
 * Returns what GitHub is told. Only a request that verifies, is about exactly this question, was asked in the name of the rule's identity, and
 * gives access at this moment, is an approval.
 */
export function deploymentReviewOf(
  read: VerifiedRequest,
  question: Question,
  rule: DeploymentRule,
): DeploymentReview | undefined {
  if (!read.holds) return undefined;
  const { request, view } = read;
  if (!isAbout(request, askedBy(question, rule, request.id)))
    return { state: 'rejected', reason: 'the request is about something else' };
  const status = TASK_STATUS[view.status];
  if (status === 'pending') return undefined;
  // A gateway reaches no target: the ledger's record of the grant is its proof that access was given.
  if (view.status === 'active') return { state: 'approved', reason: howApproved(view.assessment) };
  if (status === 'approved') return { state: 'rejected', reason: `the approval is over (${view.status})` };
  const codes = view.assessment?.reasonCodes ?? [];
  const decided = view.decisions?.findLast(({ reasonCode }) => reasonCode !== undefined)?.reasonCode;
  const code = status === 'denied' && view.status === 'denied' ? decided : codes[0];
  return { state: 'rejected', reason: code === undefined ? view.status : `${view.status}: ${code}` };
}

const howApproved = (assessment: { readonly outcome: string } | undefined): string =>
  assessment?.outcome === 'permit' ? 'permitted by policy' : 'approved by people';

/** Compares everything in the request but the time at which it was submitted. */
const isAbout = ({ submittedAtMs: _, ...request }: AccessRequest, expected: object): boolean =>
  digestOf(request) === digestOf(expected);

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
