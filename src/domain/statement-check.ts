import type { Refusal } from './refusal';
import type { SignedEnvelope } from './request';
import type { StatementCheck, Verb } from './statement';

/** A message as it was taken from the inbox. */
export interface ReceivedMessage {
  /** The signal's name; absent if the message came as an update. */
  readonly verb?: Verb;
  /** What was sent, or why it could not be read as a signed statement. */
  readonly content: SignedEnvelope | Refusal;
}

/**
 * Turns a message and the check of the statement in it into what the core considers.
 *
 * @param check of the statement; undefined if it was not checked
 * @returns a refusal if the message is unreadable, unchecked, or came under another verb's signal; else the check itself
 */
export function checkReceived(
  { content, verb }: ReceivedMessage,
  check: StatementCheck | undefined,
): StatementCheck {
  if ('code' in content)
    return { verified: false, attempt: { refusal: content, ...(verb && { claimedVerb: verb }) } };
  if (check === undefined)
    return { verified: false, attempt: { refusal: { code: 'NOT_NOW', detail: 'it could not be checked' } } };
  if (!check.verified || verb === undefined || check.facts.statement.verb === verb) return check;
  const { statement, signer } = check.facts;
  const detail = `a statement to ${statement.verb} came as ${verb}`;
  return { verified: false, attempt: { refusal: { code: 'MALFORMED', detail }, claimedIssuer: signer.id } };
}
