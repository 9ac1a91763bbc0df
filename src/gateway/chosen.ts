import { line } from '../contracts/request';
import type { AttestedMembers } from '../contracts/statement';
import { LIMITS } from '../domain/limits';
import type { PrincipalId } from '../domain/principal';
import type { SignedEnvelope } from '../domain/request';
import type { SigningKey } from '../signing/keys';
import { attestChoice } from '../signing/sign';
import { HttpProblem } from './http/problem';

/**
 * What a chat's part of the gateway found out about a choice. Before it makes one of these, it has checked that the chat itself sent the
 * message, that the workspace is ours, and that the account is a full member now.
 */
export interface Chosen {
  readonly verb: 'approve' | 'deny';
  /** What the message showed: the request, its digest, the revision of its path, and the stage. */
  readonly shown: {
    readonly request: string;
    readonly digest: string;
    readonly revision: number;
    readonly stage: string;
  };
  /** The member's own words. */
  readonly why?: string | null | undefined;
  /** `received` is the digest of the bytes that the chat sent. */
  readonly via: AttestedMembers['via'];
}

/** What became of a choice. */
export interface Taken {
  readonly outcome: 'accepted' | 'refused' | 'ignored';
  readonly code?: string;
}

export interface ChosenOptions {
  /** The identity that attests, and its key: one registered for this channel. */
  readonly attester: PrincipalId;
  readonly key: SigningKey;
  readonly carry: (
    principal: PrincipalId,
    request: string,
    statement: SignedEnvelope,
  ) => Promise<{
    readonly accepted: boolean;
    readonly refusal?: { readonly code: string; readonly detail: string };
  }>;
  readonly nowMs: () => number;
}

/** Attests a choice in the name of the person whose account chose, and carries it to the request, which judges it. */
export async function carryChosen(
  { verb, shown, why, via }: Chosen,
  principal: PrincipalId,
  { attester, key, carry, nowMs }: ChosenOptions,
): Promise<Taken & { readonly detail?: string }> {
  const refused = (code: string, detail: string) => ({ outcome: 'refused', code, detail }) as const;
  const comment = line(LIMITS.commentCharacters).safeParse(why?.trim().replace(/\s+/g, ' '));
  if (verb === 'deny' && !comment.success)
    return refused('MISSING_REASON', 'say why in the field above the buttons, then deny again');
  const statement = await attestChoice(
    { verb, ...shown, ...(comment.success && { comment: comment.data }) },
    principal,
    { attester, via },
    key,
    // A choice counts as long as a statement does at most.
    { nowMs: nowMs(), lifeMs: LIMITS.statementLifeMs },
  );
  try {
    const { accepted, refusal } = await carry(principal, shown.request, statement);
    if (accepted) return { outcome: 'accepted' };
    return refused(refusal?.code ?? 'REFUSED', refusal?.detail ?? 'it was not accepted');
  } catch (error) {
    if (!(error instanceof HttpProblem)) throw error;
    return refused('NOT_CARRIED', error.message.slice(0, 300));
  }
}
