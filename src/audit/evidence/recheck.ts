import { assessActivity } from '../../activities/assess';
import { isCountedBack, refusedAsCopy } from '../../activities/signature-counts';
import type { AssessResult } from '../../activities/types';
import { workflowIdOf } from '../../contracts/names';
import { newSubmissionSchema, submissionSchema } from '../../contracts/request';
import type { Directory } from '../../directory/directory';
import { checkStatement } from '../../domain/ports';
import type { AccessRequest } from '../../domain/request';
import type { RerouteCheck, StatementCheck } from '../../domain/statement';
import { checkReceived, type ReceivedMessage } from '../../domain/statement-check';
import { refuseUnreasoned } from '../../domain/verbs/deny';
import { FORGETFUL } from '../../ledger/forgetful';
import type { RememberingAuthority } from '../../policy/authority';
import type { TicketAnswer } from '../../policy/tickets/ticket';
import {
  EARLIER_RULES,
  SignedDirectory,
  type StatementRules,
  TODAYS_RULES,
  WITHOUT_STAGE,
} from '../../signing/signed-directory';
import type { JournalStep } from '../../workflows/journal';
import { shortenedAsRecorded } from './earlier-limits';
import { type PolicyText, policyOver } from './policy';

/** The recorded versions of policy and directory by which steps can be checked again. */
export interface RecordedVersions {
  readonly policies: readonly PolicyText[];
  readonly directories: readonly Directory[];
}

export type Recheck =
  | { readonly same: true; readonly policy?: PolicyText; readonly directory?: Directory }
  | { readonly same: false; readonly message: string };

/**
 * Repeats with the same activities what the worker did: reads, recognises and assesses a submission, and verifies
 * statements, as of the recorded moment, by the versions of policy and directory that held then.
 */
export class Rechecker {
  readonly #signed = new Map<StatementRules, Map<Directory, SignedDirectory>>();

  constructor(private readonly versions: RecordedVersions) {}

  /** Checks that reading, recognition and assessment give the recorded result. `raw` is what was submitted. */
  async assessment(raw: unknown, requestId: string, recorded: AssessResult): Promise<Recheck> {
    if (!recorded.readable) {
      // A store refused at that moment, which cannot be repeated. It gave nobody access.
      if (recorded.refusal.code === 'TARGET_REFUSED') return { same: true };
      const again = await this.#assess(raw, requestId, 0);
      return sameness(recorded, again);
    }
    const { policyDigest, directoryDigest, assessedAtMs } = recorded.assessment;
    const policy = this.versions.policies.find(({ digest }) => digest === policyDigest);
    if (policy === undefined)
      return { same: false, message: `the evidence does not contain the policy ${policyDigest}` };
    const directory = this.versions.directories.find(({ digest }) => digest === directoryDigest);
    if (directory === undefined)
      return { same: false, message: `the evidence does not contain the directory ${directoryDigest}` };
    const { precedents } = recorded;
    const answers = { ticket: { found: false } as const, ...(precedents && { precedents }) };
    const over = {
      directory: this.#signedOf(directory, EARLIER_RULES),
      policy: policyOver(policy, directory, answers),
    };
    const isCopy = isCountedBack(recorded.assessment.explanation, recorded.submission.proof);
    const again = await this.#assess(raw, requestId, assessedAtMs, over, isCopy);
    const same = sameness(recorded, again);
    return same.same ? { same: true, policy, directory } : same;
  }

  /** Checks that a message, received for this request at that moment, gives the recorded result. */
  async statement(
    received: ReceivedMessage,
    request: AccessRequest,
    recorded: StatementCheck,
    atMs: number,
  ): Promise<Recheck> {
    if ('code' in received.content) return sameness(recorded, checkReceived(received, undefined));
    // A statement that could not be checked then, because a store or worker was down, was refused; it can say anything.
    if (!recorded.verified && recorded.attempt.refusal.code === 'NOT_NOW') return { same: true };
    let first: Recheck = {
      same: false,
      message: 'the evidence does not contain the directory by which the statement was verified',
    };
    for (const directory of this.#directoriesOf(recorded))
      for (const policy of this.#policiesOf(recorded)) {
        const recheck = await this.#statement(received, request, recorded, atMs, directory, policy);
        if (recheck.same) return { same: true, directory, ...(isReroute(recorded) && { policy }) };
        if (!first.same) first = recheck;
      }
    return first;
  }

  #directoriesOf(recorded: StatementCheck): readonly Directory[] {
    const { directories } = this.versions;
    // A refusal does not record its directory version, so any version may explain it.
    if (!recorded.verified) return directories;
    return directories.filter(({ digest }) => digest === recorded.facts.directoryDigest);
  }

  /** Only the check of a reroute depends on policy. */
  #policiesOf(recorded: StatementCheck): readonly PolicyText[] {
    return isReroute(recorded) ? this.versions.policies : this.versions.policies.slice(0, 1);
  }

  async #statement(
    received: ReceivedMessage,
    request: AccessRequest,
    recorded: StatementCheck,
    atMs: number,
    directory: Directory,
    policy: PolicyText,
  ): Promise<Recheck> {
    const { content } = received;
    if ('code' in content) return { same: false, message: 'no statement was received' };
    const facts = recorded.verified ? recorded.facts.reroute : undefined;
    const { precedents } = facts ?? {};
    const answers = { ticket: ticketIn(facts), ...(precedents && { precedents }) };
    const over = policyOver(policy, directory, answers);
    let again: StatementCheck;
    try {
      again = await checkStatement(
        content,
        request,
        atMs,
        this.#signedOf(directory, rulesOf(recorded)),
        over,
      );
    } catch (error) {
      return {
        same: false,
        message: error instanceof Error ? error.message : 'the statement cannot be checked',
      };
    }
    // A version before this rule did not refuse for it, so it counts only for what was refused by it.
    const checked = isUnreasoned(recorded) ? refuseUnreasoned(again) : again;
    const isCopy = !recorded.verified && isCountedBack(recorded.attempt.refusal.detail, content);
    return sameness(recorded, checkReceived(received, isCopy ? refusedAsCopy(checked) : checked));
  }

  async #assess(
    raw: unknown,
    requestId: string,
    nowMs: number,
    over?: RememberingAuthority,
    isCopy = false,
  ): Promise<AssessResult> {
    const authority = async () => {
      if (over === undefined) throw new Error('the submission can be read after all');
      return over;
    };
    const connector = () => undefined;
    const dependencies = {
      authority,
      connector,
      ledger: { ...FORGETFUL, signed: async () => !isCopy },
      nowMs: () => nowMs,
    };
    const schema = over === undefined ? newSubmissionSchema : submissionSchema;
    return assessActivity(dependencies, schema)(raw, workflowIdOf(requestId));
  }

  #signedOf(directory: Directory, rules: StatementRules): SignedDirectory {
    const signed = this.#signed.get(rules) ?? new Map<Directory, SignedDirectory>();
    this.#signed.set(rules, signed);
    const known = signed.get(directory) ?? new SignedDirectory(directory, rules);
    signed.set(directory, known);
    return known;
  }
}

const BEFORE_STAGES: StatementRules = { ...TODAYS_RULES, demandsStage: false };

/**
 * Accepted statements are read by the rules of their time, refused ones by today's. Approvals without a stage were not always refused, so
 * that rule counts only for what was refused by it.
 */
/** What the ticket system answered then. No file can say it again. */
function ticketIn(facts: RerouteCheck | undefined): TicketAnswer {
  if (facts?.ticketFound === true) return { found: true };
  return { found: false, ...(facts?.ticketProblem !== undefined && { why: facts.ticketProblem }) };
}

function rulesOf(recorded: StatementCheck): StatementRules {
  if (recorded.verified) return EARLIER_RULES;
  return recorded.attempt.refusal.detail === WITHOUT_STAGE ? TODAYS_RULES : BEFORE_STAGES;
}

const isReroute = (check: StatementCheck): boolean =>
  check.verified && check.facts.statement.verb === 'reroute';

const isUnreasoned = (check: StatementCheck): boolean =>
  !check.verified && check.attempt.claimedVerb === 'deny' && check.attempt.refusal.code === 'MISSING_REASON';

function sameness(recorded: unknown, again: unknown): Recheck {
  const where =
    firstDifference(recorded, again) && firstDifference(recorded, shortenedAsRecorded(recorded, again));
  return where === undefined
    ? { same: true }
    : { same: false, message: `re-running the decision gave a different result, at ${where}` };
}

/** Returns the path of the first difference between two pieces of JSON; undefined if they are equal. */
export function firstDifference(a: unknown, b: unknown): string | undefined {
  // Comparing text is faster, and nearly always enough.
  if (JSON.stringify(a) === JSON.stringify(b)) return undefined;
  const path = difference(a, b);
  return path && (path.reverse().join('.') || 'the whole');
}

/** Returns the path to the first difference, last member first. Visits each piece once, however deep it lies. */
function difference(a: unknown, b: unknown): string[] | undefined {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null)
    return a === b || JSON.stringify(a) === JSON.stringify(b) ? undefined : [];
  if (Array.isArray(a) !== Array.isArray(b)) return [];
  const [left, right] = [new Map(Object.entries(a)), new Map(Object.entries(b))];
  for (const name of new Set([...left.keys(), ...right.keys()])) {
    const path = difference(left.get(name), right.get(name));
    if (path === undefined) continue;
    path.push(name);
    return path;
  }
  return undefined;
}

/** The result of checking one step again. */
export interface StepRecheck {
  readonly index: number;
  readonly kind: 'assessment' | 'statement';
  readonly recheck: Recheck;
}

/**
 * Checks again every step that depends on policy, the directory or a signature. The others depend only on earlier steps
 * and on the history.
 *
 * @param raw what was submitted, read from the history
 */
export async function* recheckSteps(
  rechecker: Rechecker,
  requestId: string,
  raw: unknown,
  steps: readonly JournalStep[],
): AsyncGenerator<StepRecheck> {
  const [first] = steps;
  for (const [index, { command, received }] of steps.entries()) {
    if (command.type === 'reject_submission') {
      const recorded: AssessResult = { readable: false, refusal: command.refusal };
      yield { index, kind: 'assessment', recheck: await rechecker.assessment(raw, requestId, recorded) };
    }
    if (command.type === 'record_assessment' && first?.command.type === 'submit') {
      const { submission } = first.command;
      const { assessment, recognition, precedents } = command;
      const recorded: AssessResult = {
        readable: true,
        submission,
        assessment,
        ...(recognition && { recognition }),
        ...(precedents && { precedents }),
      };
      yield { index, kind: 'assessment', recheck: await rechecker.assessment(raw, requestId, recorded) };
    }
    if (command.type === 'consider') yield { index, kind: 'statement', recheck: await considered() };

    async function considered(): Promise<Recheck> {
      if (command.type !== 'consider') return { same: true };
      if (received === undefined) return { same: false, message: 'the received message is missing' };
      // If no request could be read, statements were refused unread.
      if (first?.command.type !== 'submit') return { same: true };
      const { request } = first.command.submission;
      return rechecker.statement(received, request, command.check, command.atMs);
    }
  }
}
