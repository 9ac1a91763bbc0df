import { assessActivity } from '../../activities/assess';
import type { Authority } from '../../activities/dependencies';
import type { AssessResult } from '../../activities/types';
import { workflowIdOf } from '../../contracts/names';
import { newSubmissionSchema, submissionSchema } from '../../contracts/request';
import { recordedClaimsSchema, statementClaimsSchema } from '../../contracts/statement';
import type { DirectoryBook } from '../../directory/directory-book';
import { checkStatement } from '../../domain/ports';
import type { AccessRequest } from '../../domain/request';
import type { StatementCheck } from '../../domain/statement';
import { FORGETFUL } from '../../ledger/forgetful';
import { SignedDirectory } from '../../signing/signed-directory';
import type { ReceivedMessage } from '../../workflows/journal';
import { type PolicyText, policyOver } from './policy';

/** Versions of policy and directory by which a course can be checked again. */
export interface Books {
  readonly policies: readonly PolicyText[];
  readonly directories: readonly DirectoryBook[];
}

export type Recheck =
  | { readonly same: true; readonly policy?: PolicyText; readonly directory?: DirectoryBook }
  | { readonly same: false; readonly message: string };

/**
 * Does again, by the same activities, what the worker did: reads, recognises and assesses a submission, and verifies
 * statements, at the moment of the record, by the versions of policy and directory that counted then.
 */
export class Rechecker {
  readonly #taken = new Map<DirectoryBook, SignedDirectory>();
  readonly #refused = new Map<DirectoryBook, SignedDirectory>();

  constructor(private readonly books: Books) {}

  /** Whether reading, recognition and assessment come out as recorded. `raw` is what was submitted. */
  async assessment(raw: unknown, requestId: string, recorded: AssessResult): Promise<Recheck> {
    if (!recorded.readable) {
      const again = await this.#assess(raw, requestId, 0);
      return sameness(recorded, again);
    }
    const { policyDigest, directoryDigest, assessedAtMs } = recorded.assessment;
    const policy = this.books.policies.find(({ digest }) => digest === policyDigest);
    if (policy === undefined) return { same: false, message: `the policy ${policyDigest} is not there` };
    const directory = this.books.directories.find(({ digest }) => digest === directoryDigest);
    if (directory === undefined)
      return { same: false, message: `the directory ${directoryDigest} is not there` };
    const { precedents } = recorded;
    const told = { ticketFound: false, ...(precedents && { precedents }) };
    const over = { directory: this.#signedOf(directory, true), policy: policyOver(policy, directory, told) };
    const again = await this.#assess(raw, requestId, assessedAtMs, over);
    const same = sameness(recorded, again);
    return same.same ? { same: true, policy, directory } : same;
  }

  /** Whether a message, received for this request at that moment, comes out as recorded. */
  async statement(
    received: ReceivedMessage,
    request: AccessRequest,
    recorded: StatementCheck,
    atMs: number,
  ): Promise<Recheck> {
    if ('code' in received.content) return sameness(recorded, refusedAtOnce(received));
    // What could not be checked then, for want of a store or a worker, was refused, and can be of any kind.
    if (!recorded.verified && recorded.attempt.refusal.code === 'NOT_NOW') return { same: true };
    let first: Recheck = { same: false, message: 'the directory by which it was verified is not there' };
    for (const directory of this.#directoriesOf(recorded))
      for (const policy of this.#policiesOf(recorded)) {
        const found = await this.#statement(received, request, recorded, atMs, directory, policy);
        if (found.same) return { same: true, directory, ...(isReroute(recorded) && { policy }) };
        if (!first.same) first = found;
      }
    return first;
  }

  #directoriesOf(recorded: StatementCheck): readonly DirectoryBook[] {
    const { directories } = this.books;
    // What was refused does not say by which version, so that each may explain it.
    if (!recorded.verified) return directories;
    return directories.filter(({ digest }) => digest === recorded.facts.directoryDigest);
  }

  /** Policy has a say in the facts of a reroute alone. */
  #policiesOf(recorded: StatementCheck): readonly PolicyText[] {
    return isReroute(recorded) ? this.books.policies : this.books.policies.slice(0, 1);
  }

  async #statement(
    { content, verb }: ReceivedMessage,
    request: AccessRequest,
    recorded: StatementCheck,
    atMs: number,
    directory: DirectoryBook,
    policy: PolicyText,
  ): Promise<Recheck> {
    if ('code' in content) return { same: false, message: 'no statement was received' };
    const facts = recorded.verified ? recorded.facts.reroute : undefined;
    const { ticketFound = false, precedents } = facts ?? {};
    const told = { ticketFound, ...(precedents && { precedents }) };
    const over = policyOver(policy, directory, told);
    let again: StatementCheck;
    try {
      again = await checkStatement(
        content,
        request,
        atMs,
        this.#signedOf(directory, recorded.verified),
        over,
      );
    } catch (error) {
      return { same: false, message: error instanceof Error ? error.message : 'it cannot be checked' };
    }
    if (again.verified && verb !== undefined && again.facts.statement.verb !== verb) {
      const { statement, signer } = again.facts;
      const detail = `a statement to ${statement.verb} came as ${verb}`;
      const attempt = { refusal: { code: 'MALFORMED', detail } as const, claimedIssuer: signer.id };
      return sameness(recorded, { verified: false, attempt });
    }
    return sameness(recorded, again);
  }

  async #assess(raw: unknown, requestId: string, nowMs: number, over?: Authority): Promise<AssessResult> {
    const authority = async () => {
      if (over === undefined) throw new Error('it can be read after all');
      return over;
    };
    const connector = () => undefined;
    const dependencies = { authority, connector, ledger: FORGETFUL, nowMs: () => nowMs };
    const schema = over === undefined ? newSubmissionSchema : submissionSchema;
    return assessActivity(dependencies, schema)(raw, workflowIdOf(requestId));
  }

  /** What was taken then is read by the rules of then; what was refused has to be refused by those of today. */
  #signedOf(directory: DirectoryBook, wasTaken: boolean): SignedDirectory {
    const signed = wasTaken ? this.#taken : this.#refused;
    const claims = wasTaken ? recordedClaimsSchema : statementClaimsSchema;
    const known = signed.get(directory) ?? new SignedDirectory(directory, claims);
    signed.set(directory, known);
    return known;
  }
}

const isReroute = (check: StatementCheck): boolean =>
  check.verified && check.facts.statement.verb === 'reroute';

/** What was no statement at all was refused before anything was verified. */
function refusedAtOnce({ content, verb }: ReceivedMessage): StatementCheck | undefined {
  if (!('code' in content)) return undefined;
  return { verified: false, attempt: { refusal: content, ...(verb && { claimedVerb: verb }) } };
}

function sameness(recorded: unknown, again: unknown): Recheck {
  const where = firstDifference(recorded, again);
  return where === undefined
    ? { same: true }
    : { same: false, message: `done again it comes out otherwise, at ${where}` };
}

/** Where two pieces of JSON differ first, as a path; nothing where they do not. */
export function firstDifference(a: unknown, b: unknown): string | undefined {
  // The first comparison is the quicker one, and decides nearly always.
  if (JSON.stringify(a) === JSON.stringify(b)) return undefined;
  const path = difference(a, b);
  return path && (path.reverse().join('.') || 'the whole');
}

/** The way to the first difference, from its end. Each piece is looked at once, however deep it lies. */
function difference(a: unknown, b: unknown): string[] | undefined {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null)
    return a === b || JSON.stringify(a) === JSON.stringify(b) ? undefined : [];
  if (Array.isArray(a) !== Array.isArray(b)) return [];
  const [left, right] = [new Map(Object.entries(a)), new Map(Object.entries(b))];
  for (const name of new Set([...left.keys(), ...right.keys()])) {
    const found = difference(left.get(name), right.get(name));
    if (found === undefined) continue;
    found.push(name);
    return found;
  }
  return undefined;
}
