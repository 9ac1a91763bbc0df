import type { Assessment } from '../../../src/domain/assessment';
import type { Command } from '../../../src/domain/command';
import type { AccessRequest } from '../../../src/domain/request';
import { aRequest, HOUR, leads, needsApproval, permitted } from './builders';
import { accessEnded, assess, at, granted, says, submit, timePasses } from './commands';
import { IAM, LEAD_1, LEAD_2, SECOPS } from './people';

/** Command sequences that many tests begin with. */
export const awaitingApproval = (assessment: Assessment = needsApproval()): Command[] => [
  submit(),
  assess(assessment),
];

export const awaitingOneLead = (changes: Partial<Assessment> = {}): Command[] =>
  awaitingApproval(needsApproval([leads({ quorum: 1 })], changes));

export const provisioning = (assessment?: Assessment): Command[] => [
  ...awaitingApproval(assessment),
  says(LEAD_1, 'approve'),
  says(LEAD_2, 'approve'),
];

export const active = (assessment?: Assessment): Command[] => [...provisioning(assessment), granted()];

/** Active by policy alone. */
export const activeByPolicy = (request: AccessRequest = aRequest(), changes: Partial<Assessment> = {}) => [
  submit(request),
  assess(permitted(changes)),
  granted(),
];

/** Access has ended at its time. The request is over unless a review is owed. */
export const expired = (assessment?: Assessment): Command[] => [
  ...active(assessment),
  at(2 * HOUR, timePasses),
  at(2 * HOUR, accessEnded),
];

/** The first substitute replaces the first lead, from revision 1 on and for six hours. */
export const rerouted = (assessment: Assessment = needsApproval()): Command[] => [
  ...awaitingApproval(assessment),
  says(IAM, 'reroute'),
  ...(assessment.privileged ? [says(SECOPS, 'endorse')] : []),
];
