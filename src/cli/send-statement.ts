import { setTimeout as sleep } from 'node:timers/promises';
import type { z } from 'zod';
import type { RequestView, SignedEnvelope } from '../client';
import { formatDuration } from '../contracts/duration';
import { CountersignError } from '../contracts/error';
import { describeIssues } from '../contracts/problem';
import { pathInForce, quorumIn, sayQuorum } from '../contracts/progress';
import { statementClaimsSchema } from '../contracts/statement';
import { requestDigest } from '../domain/digest';
import { LIMITS } from '../domain/limits';
import type { AccessRequest, Submission } from '../domain/request';
import type { Verb } from '../domain/statement';
import { VERB_DESCRIPTORS } from '../domain/verbs';
import { signStatement } from '../signing/sign';
import { consentTo, type Draft, sayDraft } from './consent';
import type { Context } from './context';
import { parseDurationMs, sayDuration } from './duration';
import { parseMomentMs } from './moment';
import { parseWhole } from './number';
import { refuseOffer } from './offer';
import { type CommandResult, done, failed, printable, UserError, usageError } from './output';
import { renderReview } from './render';
import { checkRequestId, resolveRequestId } from './request-id';
import { type GatewayOption, type Requests, withRequests } from './requests';
import { findSigner, type SignerOptions } from './signer';
import { CliVerifier } from './verified';

/** The options of all verbs. Each verb takes those that its rule reads, and no others. */
export interface StatementOptions extends SignerOptions, GatewayOption {
  readonly stage?: string;
  readonly for?: string;
  readonly reasonCode?: string;
  readonly ticket?: string;
  readonly policyBasis?: string;
  readonly replace?: string;
  readonly with?: string;
  readonly until?: string;
  readonly path?: string;
  readonly condition?: string;
  readonly endorses?: string;
  readonly verdict?: string;
  readonly outcome?: string;
  readonly comment?: string;
  readonly offer?: string;
  readonly revision?: string;
  readonly yes?: boolean;
  readonly life?: string;
}

/** Signs a statement about a request and carries it there. */
export async function sendStatement(
  verb: Verb,
  typedId: string,
  options: StatementOptions,
  context: Context,
): Promise<CommandResult> {
  const askedLifeMs = options.life === undefined ? undefined : parseDurationMs(options.life, '--life');
  if (askedLifeMs !== undefined && askedLifeMs > longestLifeOf(verb))
    throw usageError(`--life: at most ${sayDuration(longestLifeOf(verb))}`);
  const said = saidBy(verb, options);
  checkRequestId(typedId);
  const { principal, key } = await findSigner(options, context);
  const consent = consentTo(verb, options, context);
  return withRequests(context, options, async (client) => {
    const id = await resolveRequestId(client, typedId);
    if (id !== typedId) context.announce(`${typedId} is request ${id}`);
    // The digest is computed here from the submission, because a worker could say anything.
    const submission = await client.submissionOf(id);
    const { view: seen, ...path } = await currentPath(client, id, verb, said.revision, context);
    const proved = await refuseUnproved(client, id, verb, context);
    const draft = draftOf(verb, submission, said, path);
    if ((said.durationMs ?? 0) > submission.request.durationMs)
      throw usageError(`--for: only ${formatDuration(submission.request.durationMs)} were asked for`);
    if (said.offer !== undefined) await refuseOffer(said.offer, submission.request, context);
    for (const line of renderReview(submission.request, draft.digest, proved ?? seen, Date.now()))
      context.announce(line);
    if (proved === undefined && seen !== undefined)
      context.announce('  what is said here beyond the request itself is not verified');
    context.announce(printable(`signing as ${principal}: ${sayDraft(draft)}`));
    await consent();
    const lifeMs = askedLifeMs ?? lifeFor(verb, submission.request, path);
    const statement = await signStatement(draft, principal, key, { nowMs: Date.now(), lifeMs });
    return carry(client, id, verb, statement, context);
  });
}

/**
 * Nothing is signed for a request that does not hold: a made-up one would collect signatures. What is not about the path
 * can always be signed: it takes something away, or comes after the decision. Without a bundle nothing can be verified here, and that is announced.
 *
 * @throws UserError `NOT_PROVED`
 */
async function refuseUnproved(
  client: Requests,
  id: string,
  verb: Verb,
  context: Context,
): Promise<RequestView | undefined> {
  const { speaksAboutPath, closes } = VERB_DESCRIPTORS[verb];
  if (!speaksAboutPath || closes) return undefined;
  const { temporal } = client;
  if (temporal === undefined) {
    const { proof, view } = await client.read(id);
    if (!proof.holds) throw unproved('by the gateway', proof.why);
    return view;
  }
  const verifier = await CliVerifier.open(context, temporal);
  if (typeof verifier === 'string') {
    context.announce(`not verified: ${verifier}`);
    return undefined;
  }
  const by = `by the bundle ${context.settings.COUNTERSIGN_BUNDLE}`;
  try {
    const read = await verifier.read(id);
    if (!read.holds) throw unproved(by, read.refusal.detail);
    return read.view;
  } catch (error) {
    if (!(error instanceof CountersignError) || error.code !== 'NOT_ANSWERING') throw error;
    const why = await verifier.refuseSubmission(id);
    if (why !== undefined) throw unproved(by, why);
    return undefined;
  }
}

const unproved = (by: string, why: string): UserError =>
  new UserError(printable(`nothing was signed: ${by} the request does not hold: ${why}`), 1, 'NOT_PROVED');

const DEFAULT_LIFE_MS = 8 * 3_600_000;

const longestLifeOf = (verb: Verb): number =>
  VERB_DESCRIPTORS[verb].grantRestsOnIt ? LIMITS.approvalLifeMs : LIMITS.statementLifeMs;

/** What a grant rests on has to count when access begins; other statements are valid for a working day. */
function lifeFor(verb: Verb, { notBeforeMs }: AccessRequest, { countsForMs }: PathSeen): number {
  if (!VERB_DESCRIPTORS[verb].grantRestsOnIt) return DEFAULT_LIFE_MS;
  if (countsForMs !== undefined) return countsForMs;
  return notBeforeMs === undefined ? DEFAULT_LIFE_MS : LIMITS.statementLifeMs;
}

interface PathSeen {
  /** What the server says of the request, if a worker answered. */
  readonly view?: RequestView;
  readonly revision: number;
  /** How long the path lets an approval count, if it says so. */
  readonly countsForMs?: number;
  readonly stage?: string;
  readonly proposedReroute?: string;
}

const PATH_WITHIN_MS = 15_000;

/**
 * Returns the current path. Only a worker knows it, so this waits for one. A statement about a path is not signed without having
 * seen the path, because it could be refused later, when its signer believes that it counted.
 */
async function currentPath(
  client: Requests,
  id: string,
  verb: Verb,
  given: number | undefined,
  { announce }: Context,
): Promise<PathSeen> {
  const isNeeded = given === undefined && VERB_DESCRIPTORS[verb].speaksAboutPath;
  const untilMs = Date.now() + (isNeeded ? PATH_WITHIN_MS : 0);
  for (let hasSaid = false; ; hasSaid = true) {
    try {
      return pathIn(await client.get(id), given);
    } catch (error) {
      if (!(error instanceof CountersignError) || error.code !== 'NOT_ANSWERING') throw error;
      if (!isNeeded) return { revision: given ?? 0 };
      if (Date.now() > untilMs)
        throw new UserError(
          `not signed: no worker answers, so the current approval path is not known; start one (countersign worker), or give the --revision that you saw`,
          1,
          'NOT_ANSWERING',
        );
      if (!hasSaid) announce('no worker answers yet; waiting to see the path before anything is signed');
      await sleep(500);
    }
  }
}

function pathIn(view: RequestView, given: number | undefined): PathSeen {
  const changes = [...view.reroutes, ...(view.switches ?? [])];
  const proposed = changes.find((one) => one.phase === 'proposed')?.jti;
  return {
    view,
    revision: given ?? view.revision,
    ...(view.openStage !== undefined && { stage: view.openStage }),
    ...defined({ countsForMs: pathInForce(view)?.approvalsCountForMs }),
    ...(proposed !== undefined && { proposedReroute: proposed }),
  };
}

type Said = z.infer<typeof saidSchema>;

const saidSchema = statementClaimsSchema
  .omit({ iss: true, jti: true, iat: true, exp: true, verb: true, request: true, digest: true })
  .extend({ revision: statementClaimsSchema.shape.revision.exactOptional() });

/** Checks what the options say before anything is connected. @throws UserError of wrong usage */
function saidBy(verb: Verb, options: StatementOptions): Said {
  const {
    stage,
    for: shorter,
    endorses,
    condition,
    reasonCode,
    ticket,
    policyBasis,
    verdict,
    outcome,
    comment,
    offer,
  } = options;
  const revision =
    options.revision === undefined ? undefined : parseWhole(options.revision, '--revision', 0, 1_000);
  const said = {
    ...defined({ stage, endorses, ...changeOf(options), emergencyCondition: condition }),
    ...(shorter !== undefined && { durationMs: parseDurationMs(shorter, '--for') }),
    ...defined({ reasonCode, ticket, policyBasis, verdict, outcome, comment, offer, revision }),
  };
  const checked = saidSchema.safeParse(said);
  if (!checked.success) throw usageError(describeIssues(checked.error, verb));
  if (verb === 'deny' && reasonCode === undefined && comment === undefined)
    throw usageError(
      'a denial needs --reason-code or --comment: the requester reads why, and what would change the answer',
    );
  return checked.data;
}

function draftOf(verb: Verb, { request }: Pick<Submission, 'request'>, said: Said, path: PathSeen): Draft {
  const { speaksAboutStage, claims } = VERB_DESCRIPTORS[verb];
  const stage = said.stage ?? (speaksAboutStage ? path.stage : undefined);
  const endorses = said.endorses ?? (claims.needs?.includes('endorses') ? path.proposedReroute : undefined);
  const about = { request: request.id, digest: requestDigest(request), revision: path.revision };
  return { ...said, verb, ...about, ...defined({ stage, endorses }) };
}

/** Returns a replacement or a switch of the path, never both. */
function changeOf({ replace, with: substitute, until, path }: StatementOptions) {
  if ([replace, substitute, until, path].every((given) => given === undefined)) return {};
  if (until === undefined) throw usageError('a reroute needs --until, because it must end by itself');
  const untilMs = parseMomentMs(until, '--until', 'after');
  if (path !== undefined && replace === undefined && substitute === undefined)
    return { switchTo: { path, untilMs } };
  if (replace === undefined || substitute === undefined || path !== undefined)
    throw usageError('a reroute needs --replace and --with together, or --path alone, and --until');
  return { replacement: { replace, with: substitute, untilMs } };
}

/** Returns only the members that have a value, because what is signed has no member without one. */
function defined<T extends object>(members: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}

async function carry(
  client: Requests,
  id: string,
  verb: Verb,
  statement: SignedEnvelope,
  { announce }: Context,
): Promise<CommandResult> {
  try {
    const answer = await client.sendStatement(id, statement);
    if (answer.accepted) {
      const quorum = await client.read(id).then(
        ({ view, proof }) => (proof.holds ? quorumIn(view) : undefined),
        () => undefined,
      );
      const still = quorum === undefined ? '' : printable(`: ${sayQuorum(quorum)}`);
      return done(
        { id, verb, ...answer, ...(quorum && { quorum }) },
        `${verb} accepted; the request is ${answer.status}${still}`,
      );
    }
    const { code, detail } = answer.refusal ?? { code: 'NOT_NOW', detail: '' };
    return failed({ code, message: `${code}: ${detail}` }, { id, verb, ...answer });
  } catch (error) {
    if (!(error instanceof CountersignError) || error.code !== 'NOT_ANSWERING') throw error;
    await client.leaveStatement(id, verb, statement);
    announce('no worker answered; the statement is with the server and will be judged when one does');
    return done(
      { id, verb, left: true },
      `${verb} delivered, not judged yet; see countersign request show ${id}`,
    );
  }
}
