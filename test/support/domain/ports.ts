import type { Assessment } from '../../../src/domain/assessment';
import { digestOfText } from '../../../src/domain/digest';
import type { Recognition } from '../../../src/domain/event';
import type { KeyDirectory, Policy } from '../../../src/domain/ports';
import type { Standing } from '../../../src/domain/principal';
import { accepted, type RefusalCode, type Result, refused } from '../../../src/domain/refusal';
import type { AccessRequest, SignedEnvelope, Submission } from '../../../src/domain/request';
import type { RerouteCheck, Statement, StatementCheck } from '../../../src/domain/statement';
import {
  aSubmission,
  chiefs,
  DIRECTORY_DIGEST,
  digestFor,
  needsApproval,
  POLICY_DIGEST,
  recognition,
} from './builders';
import { standingOf } from './people';
import { fineReroute, verified } from './statements';

/*
 * The ports of the core over data in memory. Envelopes carry a stand-in for a signature: a digest over the payload and
 * a secret of the key, so that any change is detected. Real signatures are tested in `test/unit/signing`.
 */

const keyOf = (principal: string): string => `key-of-${principal}`;

const jwsOf = (text: string, keyId: string): string => {
  const made = digestOfText(`secret ${keyId} ${text}`).replace('sha-256:', '');
  return `sealed.${Buffer.from(text).toString('base64url')}.${made}`;
};

function seal(payload: unknown, signer: string): SignedEnvelope {
  const keyId = keyOf(signer);
  return { format: 'jws', jws: jwsOf(JSON.stringify([keyId, payload]), keyId) };
}

function open(envelope: SignedEnvelope): readonly [keyId: string, payload: unknown] | undefined {
  if (envelope.format !== 'jws') return undefined;
  const text = Buffer.from(envelope.jws.split('.')[1] ?? '', 'base64url').toString();
  try {
    const [keyId, payload] = JSON.parse(text);
    return envelope.jws === jwsOf(text, keyId) ? [keyId, payload] : undefined;
  } catch {
    return undefined;
  }
}

/** Seals the statement with its issuer's key, or with another one. */
export const sealed = (statement: Statement, signer: string = statement.iss): SignedEnvelope =>
  seal(statement, signer);

/** Returns the request as its requester submits it. */
export const submitted = (request: AccessRequest, signer: string = request.requester): Submission => ({
  ...aSubmission(request),
  proof: seal(digestFor(request), signer),
});

/** People and keys. Standings may differ from the cast's, and keys may have been revoked. */
export class DirectoryInMemory implements KeyDirectory {
  readonly digest = DIRECTORY_DIGEST;

  constructor(
    private readonly changed: Readonly<Record<string, Partial<Standing>>> = {},
    private readonly withoutKey: readonly string[] = [],
  ) {}

  async authenticateSubmission({ request, proof }: Submission): Promise<Result<Recognition>> {
    const [keyId, digest] = open(proof) ?? [];
    const { requester } = request;
    if (this.withoutKey.includes(requester)) return refused('UNKNOWN_KEY', 'revoked');
    if (!this.standing(requester).active) return refused('DISABLED_IDENTITY', requester);
    if (keyId !== keyOf(requester) || digest !== digestFor(request))
      return refused('BAD_SIGNATURE', 'forged');
    return accepted({ ...recognition, principal: requester, keyId });
  }

  async authenticateStatement(envelope: SignedEnvelope): Promise<StatementCheck> {
    return this.check(envelope);
  }

  check(envelope: SignedEnvelope): StatementCheck {
    const [keyId, payload] = open(envelope) ?? [];
    if (payload === undefined) return unproved('BAD_SIGNATURE');
    const statement = payload as Statement;
    if (keyId !== keyOf(statement.iss) || this.withoutKey.includes(statement.iss))
      return unproved('UNKNOWN_KEY');
    const { reroute: _unasked, ...facts } = verified(statement, {
      envelope,
      signer: this.standing(statement.iss),
    });
    return { verified: true, facts };
  }

  private standing(id: string): Standing {
    return { ...standingOf(id), ...this.changed[id] };
  }
}

function unproved(code: RefusalCode): StatementCheck {
  return { verified: false, attempt: { refusal: { code, detail: 'not proved' } } };
}

/** A policy with the same answer for every request, which accepts any substitute in the right group. */
export class PolicyInMemory implements Policy {
  readonly digest = POLICY_DIGEST;

  constructor(private readonly assessment: Assessment = needsApproval()) {}

  assess(_request: AccessRequest, atMs: number): Assessment {
    return { ...this.assessment, assessedAtMs: atMs };
  }

  async checkReroute(statement: Statement): Promise<RerouteCheck> {
    return this.factsOf(statement);
  }

  factsOf(statement: Statement): RerouteCheck {
    const facts = fineReroute(statement);
    const mayDecide = (groups: readonly string[]) =>
      groups.some((group) => facts.candidate?.groups.includes(group));
    const stages = this.assessment.path?.stages ?? [];
    const reached = facts.emergency?.substituteGroups ?? [];
    const candidateStages = stages
      .filter((stage) => mayDecide([...stage.groups, ...stage.substituteGroups, ...reached]))
      .map((stage) => stage.name);
    return { ...facts, candidateStages, ...(facts.alternative && { alternative: chiefs(stages) }) };
  }
}
