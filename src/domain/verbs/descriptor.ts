import type { DomainEvent } from '../event';
import type { Result } from '../refusal';
import type { ReadState } from '../state';
import type { VerbClaim, VerifiedStatement } from '../statement';

/**
 * Judges one statement of one verb. Called after integrity and standing held, and before the revision is checked.
 * Returns the events that carry out the statement, or the refusal. A rule checks authority before content, and content
 * before timing.
 */
export type VerbRule = (
  state: ReadState,
  verified: VerifiedStatement,
  atMs: number,
) => Result<readonly DomainEvent[]>;

/** Which of the claims that depend on the verb its statements carry. */
export interface ClaimsOfVerb {
  /** The rule refuses a statement that lacks one of these. */
  readonly needs?: readonly VerbClaim[];
  /** The rule refuses a statement that carries none, or several, of these. */
  readonly needsOneOf?: readonly VerbClaim[];
  /** Optional. */
  readonly takes?: readonly VerbClaim[];
}

/** All there is to say about a verb. Every list of verbs elsewhere is derived from these. */
export interface VerbDescriptor {
  /** What the verb does, for the command line's help. */
  readonly purpose: string;
  /** Whose statements count. Verbs by which somebody uses authority over others are for people only (TTA-7). */
  readonly openTo: 'people' | 'anyone' | 'machines';
  /** Speaks about the approval path, so the signer must have seen its current revision. */
  readonly speaksAboutPath: boolean;
  /** Speaks about one stage of the path: the open one, if the statement names none. */
  readonly speaksAboutStage: boolean;
  /** May be chosen in a channel, where the stage names the channel. Everything else is signed. */
  readonly openToChannels: boolean;
  /** A grant rests on its statements, so they count for as long as the path says. */
  readonly grantRestsOnIt: boolean;
  /** Only ends or reviews. Room is kept for these statements, so that no flood can make a grant irrevocable. */
  readonly closes: boolean;
  readonly claims: ClaimsOfVerb;
  readonly rule: VerbRule;
}

/**
 * Completes a descriptor. A verb that says nothing else is open to people only, speaks about no path, does not close, and
 * carries no claims of its own.
 */
export function defineVerb(
  stated: Pick<VerbDescriptor, 'purpose' | 'rule'> & Partial<VerbDescriptor>,
): VerbDescriptor {
  return {
    openTo: 'people',
    speaksAboutPath: false,
    speaksAboutStage: false,
    openToChannels: false,
    grantRestsOnIt: false,
    closes: false,
    claims: {},
    ...stated,
  };
}
