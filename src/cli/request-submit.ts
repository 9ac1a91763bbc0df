import type { AccessRequest, RequestView, Submission } from '../client';
import { awaitedStart } from '../contracts/progress';
import { signSubmission } from '../signing/sign';
import type { Context } from './context';
import { parseDurationMs } from './duration';
import { type CommandResult, done, usageError } from './output';
import { type RequestMembers, readRequestFile, requestFrom } from './request-file';
import { checkRequestId, resolveRequestId } from './request-id';
import { shown } from './request-shown';
import { type GatewayOption, withRequests } from './requests';
import { findKey, principalOf } from './signer';

export interface SubmitOptions extends GatewayOption {
  readonly requester?: string;
  readonly key?: string;
  readonly entitlement?: string;
  readonly for?: string;
  readonly at?: string;
  readonly reason?: string;
  readonly ticket?: string;
  readonly beneficiary?: string;
  readonly emergency?: string;
  readonly offered?: string;
  readonly wait?: boolean;
  readonly timeout: string;
}

/** Signs a request and submits it. */
export async function submit(
  file: string | undefined,
  options: SubmitOptions,
  context: Context,
): Promise<CommandResult> {
  const timeoutMs = parseDurationMs(options.timeout, '--timeout');
  const submission = await submissionFrom(file, options, context, await offeredTo(file, options, context));
  const asking = { ...options, as: submission.request.requester };
  return withRequests(context, asking, async (client) => {
    const id = await client.submit(submission);
    if (!options.wait) return done({ id }, id);
    context.announce(`submitted ${id}; waiting`);
    await client.waitForDecision(id, { timeoutMs });
    const read = await client.read(id);
    return {
      ...(await shown(id, read, context)),
      exitCode: wasGranted(read.view) || awaitedStart(read.view) ? 0 : 1,
    };
  });
}

/** What was offered when another request was denied, if that is what is taken. */
async function offeredTo(
  file: string | undefined,
  { offered, ...options }: SubmitOptions,
  context: Context,
): Promise<RequestMembers | undefined> {
  if (offered === undefined) return undefined;
  if (file !== undefined || options.entitlement !== undefined)
    throw usageError('--offered: says what is asked for; leave the file and --entitlement out');
  checkRequestId(offered);
  const asking = { ...options, ...(options.requester !== undefined && { as: options.requester }) };
  return withRequests(context, { ...asking, reads: true }, async (client) => {
    const id = await resolveRequestId(client, offered);
    const { membersOffered } = await import('./offer.js');
    return membersOffered(id, await client.read(id), context);
  });
}

/** The signed request of a file, of options, of an offer that options change, or of a file in which options replace members. */
async function submissionFrom(
  file: string | undefined,
  options: SubmitOptions,
  context: Context,
  offered?: RequestMembers,
): Promise<Submission> {
  const members = { ...offered, ...membersOf(options) };
  const nowMs = Date.now();
  const requester = (): string =>
    members.requester ??
    principalOf(options.requester === undefined ? {} : { as: options.requester }, context);
  let request: AccessRequest;
  if (file === undefined) {
    const missing = ['entitlement', 'for', 'reason'].filter(
      (name) => !(name in options) && offered === undefined,
    );
    if (missing.length > 0)
      throw usageError(`give a request file, or ${missing.map((name) => `--${name}`).join(', ')} as well`);
    request = requestFrom({ requester: requester(), ...members }, undefined, nowMs);
  } else {
    const read = await readRequestFile(file, nowMs, members);
    if (read.signed) return read.submission;
    request = read.request;
  }
  return signSubmission(request, await findKey(request.requester, options.key, context));
}

function membersOf(options: SubmitOptions): RequestMembers {
  const {
    entitlement,
    for: duration,
    at: notBefore,
    reason,
    ticket,
    requester,
    beneficiary,
    emergency,
  } = options;
  return {
    ...(entitlement !== undefined && { entitlement }),
    ...(duration !== undefined && { duration }),
    ...(notBefore !== undefined && { notBefore }),
    ...(reason !== undefined && { reason }),
    ...(ticket !== undefined && { ticket }),
    ...(requester !== undefined && { requester }),
    ...(beneficiary !== undefined && { beneficiary }),
    ...(emergency !== undefined && { emergency: true, emergencyCondition: emergency }),
  };
}

/** True if access was given, even if it has ended since. */
const wasGranted = (view: RequestView): boolean => view.lease !== undefined;
