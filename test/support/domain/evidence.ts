import type { Evidence } from '../../../src/domain/evidence';
import { proveAuthorised } from '../../../src/domain/prove';
import type { AccessRequest } from '../../../src/domain/request';
import type { KeptStatement, Statement, Verb } from '../../../src/domain/statement';
import { aRequest, MINUTE, needsApproval, START } from './builders';
import { LEAD_1, LEAD_2 } from './people';
import { DirectoryInMemory, PolicyInMemory, sealed, submitted } from './ports';
import { aStatement } from './statements';

/** A sealed statement, as received that long after the start. */
export const kept = (
  who: string,
  verb: Verb,
  claims: Partial<Statement> = {},
  afterMs = MINUTE,
  about: AccessRequest = aRequest(),
): KeptStatement => ({
  envelope: sealed(aStatement(verb, who, claims, about)),
  receivedAtMs: START + afterMs,
});

/** Two of three leads approved: all that `needsApproval()` asks for. */
export const sufficient: readonly KeptStatement[] = [kept(LEAD_1, 'approve'), kept(LEAD_2, 'approve')];

export const evidence = (changes: Partial<Evidence> = {}): Evidence => ({
  submission: submitted(aRequest()),
  assessment: needsApproval(),
  statements: sufficient,
  ...changes,
});

interface Today {
  readonly directory?: DirectoryInMemory;
  readonly policy?: PolicyInMemory;
  readonly afterMs?: number;
}

/** Returns the result of the proof by today's directory and policy: `authorised`, or the code of the refusal. */
export async function proofResult(offered: Evidence, today: Today = {}): Promise<string> {
  const { directory = new DirectoryInMemory(), policy = new PolicyInMemory(), afterMs = 2 * MINUTE } = today;
  const proof = await proveAuthorised(offered, START + afterMs, directory, policy);
  return proof.ok ? 'authorised' : proof.refusal.code;
}
