import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
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
import { OUTCOMES, VERBS, VERDICTS, type Verb } from '../domain/statement';
import { type Context, withClient } from './context';
import { parseDurationMs, sayDuration } from './duration';
import { findSigningKey } from './keys-lookup';
import { done, type Outcome, printable, UserError, usageError } from './output';
import { sayCall } from './render';

interface StatementOptions {
  readonly as: string;
  readonly key?: string;
  readonly stage?: string;
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
  readonly revision?: string;
  readonly life: string;
}

const PURPOSE: Readonly<Record<Verb, string>> = {
  approve: 'say yes to the open stage',
  deny: 'say no; it ends the request',
  confirm: 'confirm scope and intent as the sponsor or owner',
  reroute: "put another approver in someone's place, or take another path, for a time (governance)",
  endorse: 'put a proposed reroute into force (second governor)',
  cancel: 'end a pending request of others (process owner)',
  withdraw: 'end your own pending request',
  revoke: 'end a grant that is alive',
  review: 'give a verdict on an emergency grant',
  report: 'say what became of an approved execution (the identity that keeps the record)',
};

/** `countersign VERB ID`: sign a statement about a request and carry it there. */
export function registerStatements(
  program: Command,
  run: (work: (context: Context) => Promise<Outcome>) => void,
): void {
  for (const verb of VERBS)
    program
      .command(verb)
      .description(PURPOSE[verb])
      .argument('<id>', 'request id')
      .requiredOption('--as <principal>', 'who signs, for example person/mira')
      .option('--key <file>', 'private key of the signer (default: the one that `up` made)')
      .option('--stage <stage>')
      .option('--reason-code <code>')
      .option('--ticket <ticket>')
      .option('--policy-basis <policy>', 'id of the policy that allows it')
      .option('--replace <principal>', 'approver to replace')
      .option('--with <principal>', 'who replaces them')
      .option('--until <time>', 'end of the reroute: a duration such as 2h, or an ISO time')
      .option('--path <path>', 'another approval path for the request to go by, in place of --replace')
      .option('--condition <condition>', 'emergency condition that policy names for reroutes')
      .option('--endorses <jti>', 'the proposed reroute (default: the one that is proposed)')
      .option('--verdict <verdict>', VERDICTS.join(', '))
      .option('--outcome <outcome>', OUTCOMES.join(', '))
      .option('--comment <text>')
      .option('--revision <n>', 'revision of the path that you saw (default: the current one)')
      .option('--life <duration>', 'how long the statement counts, 24h at most', '8h')
      .action((id: string, options: StatementOptions) => run((context) => send(verb, id, options, context)));
}

async function send(verb: Verb, id: string, options: StatementOptions, context: Context): Promise<Outcome> {
  const lifeMs = parseDurationMs(options.life, '--life');
  if (lifeMs > LIMITS.statementLifeMs) throw usageError('--life: a statement lives 24h at most');
  const key = await findSigningKey(options.as, options.key, context.settings.COUNTERSIGN_STATE_DIR);
  return withClient(context, async (client) => {
    // What is signed is computed here from what was submitted, not taken from what a worker says.
    const submission = await client.submissionOf(id);
    const path = await currentPath(client, id, verb, options, context);
    const draft = draftOf(verb, submission, options, path);
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
  options: StatementOptions,
  { announce }: Context,
): Promise<PathSeen> {
  const given = options.revision === undefined ? undefined : Number(options.revision);
  if (given !== undefined && !Number.isInteger(given)) throw usageError('--revision: not a whole number');
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

function draftOf(verb: Verb, { request }: Submission, options: StatementOptions, path: PathSeen): Draft {
  const stage = options.stage ?? (verb === 'approve' || verb === 'deny' ? path.stage : undefined);
  const endorses = options.endorses ?? (verb === 'endorse' ? path.proposedReroute : undefined);
  const draft = {
    verb,
    request: request.id,
    digest: requestDigest(request),
    revision: path.revision,
    ...defined({ stage, endorses, ...changeOf(options), emergencyCondition: options.condition }),
    ...defined({ reasonCode: options.reasonCode, ticket: options.ticket, policyBasis: options.policyBasis }),
    ...defined({ verdict: options.verdict, outcome: options.outcome, comment: options.comment }),
  };
  const checked = statementClaimsSchema.omit({ iss: true, jti: true, iat: true, exp: true }).safeParse(draft);
  if (!checked.success) throw usageError(describeIssues(checked.error, verb));
  return checked.data;
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
  const atMs = Date.parse(text);
  if (Number.isNaN(atMs)) throw usageError('--until: neither a duration such as 2h nor an ISO time');
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
    return { exitCode: 1, lines: [], data: { id, verb, ...verdict, error: `${code}: ${detail}` } };
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
