import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import type { z } from 'zod';
import {
  type CountersignClient,
  CountersignError,
  type RequestView,
  type SignedEnvelope,
  signStatement,
} from '../client';
import { describeIssues } from '../contracts/problem';
import { type StatementClaims, statementClaimsSchema } from '../contracts/statement';
import { requestDigest } from '../domain/digest';
import { LIMITS } from '../domain/limits';
import { entitlementName, type Submission } from '../domain/request';
import { PATH_VERBS } from '../domain/rules/integrity';
import type { Verb } from '../domain/statement';
import { type Context, withClient } from './context';
import { parseDurationMs, sayDuration } from './duration';
import { findSigningKey } from './keys-lookup';
import { MOMENT_EXAMPLE, readMomentMs } from './moment';
import { parseWhole } from './number';
import { done, failed, type Outcome, printable, UserError, usageError } from './output';
import { sayCall } from './render';
import { checkRequestId } from './request-id';
import { registerVerbs, type StatementOptions } from './statement-options';

/** `countersign VERB ID`: sign a statement about a request and carry it there. */
export function registerStatements(
  program: Command,
  run: (work: (context: Context) => Promise<Outcome>) => void,
): void {
  registerVerbs(program, (verb, id, options) => run((context) => send(verb, id, options, context)));
}

async function send(verb: Verb, id: string, options: StatementOptions, context: Context): Promise<Outcome> {
  const lifeMs = parseDurationMs(options.life, '--life');
  if (lifeMs > LIMITS.statementLifeMs) throw usageError('--life: a statement lives 24h at most');
  const said = saidBy(verb, options);
  checkRequestId(id);
  const key = await findSigningKey(options.as, options.key, context.settings.COUNTERSIGN_STATE_DIR);
  return withClient(context, async (client) => {
    // What is signed is computed here from what was submitted, not taken from what a worker says.
    const submission = await client.submissionOf(id);
    const path = await currentPath(client, id, verb, said.revision, context);
    const draft = draftOf(verb, submission, said, path);
    context.announce(printable(`signing as ${options.as}: ${verb} ${describe(submission)}`));
    const statement = await signStatement(draft, options.as, key, { nowMs: Date.now(), lifeMs });
    return carry(client, id, verb, statement, context);
  });
}

interface PathSeen {
  readonly revision: number;
  readonly stage?: string;
  readonly proposedReroute?: string;
}

const PATH_WITHIN_MS = 15_000;

/**
 * The path as it is now. Only a worker can say it, so it is waited for; what speaks about a path is not signed for one that
 * nobody has seen, as it could be refused later, when its signer believes that all is done.
 */
async function currentPath(
  client: CountersignClient,
  id: string,
  verb: Verb,
  given: number | undefined,
  { announce }: Context,
): Promise<PathSeen> {
  const isNeeded = given === undefined && PATH_VERBS.includes(verb);
  const untilMs = Date.now() + (isNeeded ? PATH_WITHIN_MS : 0);
  for (let hasSaid = false; ; hasSaid = true) {
    try {
      return pathIn(await client.get(id), given);
    } catch (error) {
      if (!(error instanceof CountersignError) || error.code !== 'NOT_ANSWERING') throw error;
      if (!isNeeded) return { revision: given ?? 0 };
      if (Date.now() > untilMs)
        throw new UserError(
          `not signed: no worker answers, so nobody can say which path the request is at; try again when one runs (countersign worker), or give the --revision that you saw`,
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
    revision: given ?? view.revision,
    ...(view.openStage !== undefined && { stage: view.openStage }),
    ...(proposed !== undefined && { proposedReroute: proposed }),
  };
}

type Draft = Omit<StatementClaims, 'iss' | 'jti' | 'iat' | 'exp'>;
type Said = z.infer<typeof saidSchema>;

const saidSchema = statementClaimsSchema
  .omit({ iss: true, jti: true, iat: true, exp: true, verb: true, request: true, digest: true })
  .extend({ revision: statementClaimsSchema.shape.revision.exactOptional() });

/** What the options say, checked before anybody is asked anything. @throws UserError of wrong usage */
function saidBy(verb: Verb, options: StatementOptions): Said {
  const { stage, endorses, condition, reasonCode, ticket, policyBasis, verdict, outcome, comment } = options;
  const revision =
    options.revision === undefined ? undefined : parseWhole(options.revision, '--revision', 0, 1_000);
  const said = {
    ...defined({ stage, endorses, ...changeOf(options), emergencyCondition: condition }),
    ...defined({ reasonCode, ticket, policyBasis, verdict, outcome, comment, revision }),
  };
  const checked = saidSchema.safeParse(said);
  if (!checked.success) throw usageError(describeIssues(checked.error, verb));
  return checked.data;
}

function draftOf(verb: Verb, { request }: Submission, said: Said, path: PathSeen): Draft {
  const stage = said.stage ?? (verb === 'approve' || verb === 'deny' ? path.stage : undefined);
  const endorses = said.endorses ?? (verb === 'endorse' ? path.proposedReroute : undefined);
  const about = { request: request.id, digest: requestDigest(request), revision: path.revision };
  return { ...said, verb, ...about, ...defined({ stage, endorses }) };
}

/** A replacement, or a switch of the path; never both. */
function changeOf({ replace, with: substitute, until, path }: StatementOptions) {
  if ([replace, substitute, until, path].every((given) => given === undefined)) return {};
  if (until === undefined) throw usageError('a reroute needs --until; it ends by itself');
  const untilMs = parseMomentMs(until);
  if (path !== undefined && replace === undefined && substitute === undefined)
    return { switchTo: { path, untilMs } };
  if (replace === undefined || substitute === undefined || path !== undefined)
    throw usageError('a reroute needs --replace and --with together, or --path alone, and --until');
  return { replacement: { replace, with: substitute, untilMs } };
}

function parseMomentMs(text: string): number {
  if (/^\d+[smhd]$/.test(text)) return Date.now() + parseDurationMs(text, '--until');
  const atMs = readMomentMs(text);
  if (atMs === undefined)
    throw usageError(`--until: neither a duration such as 2h nor a time such as ${MOMENT_EXAMPLE}`);
  return atMs;
}

/** The members that have a value, so that what was not said is absent from what is signed. */
function defined<T extends object>(members: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}

async function carry(
  client: CountersignClient,
  id: string,
  verb: Verb,
  statement: SignedEnvelope,
  { announce }: Context,
): Promise<Outcome> {
  try {
    const verdict = await client.sendStatement(id, statement);
    if (verdict.accepted)
      return done({ id, verb, ...verdict }, `${verb} accepted; the request is ${verdict.status}`);
    const { code, detail } = verdict.refusal ?? { code: 'NOT_NOW', detail: '' };
    return failed({ code, message: `${code}: ${detail}` }, { id, verb, ...verdict });
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

function describe({ request }: Submission): string {
  const { entitlement, beneficiary, durationMs, parameters } = request;
  const call = parameters === undefined ? '' : `, once, ${sayCall(parameters)}`;
  return `${entitlementName(entitlement)} for ${beneficiary}, ${sayDuration(durationMs)}${call}, ${requestDigest(request)}`;
}
