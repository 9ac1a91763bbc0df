import { formatDuration } from '../contracts/duration';
import type { StatementClaims } from '../contracts/statement';
import type { Verb } from '../domain/statement';
import type { Context } from './context';
import { sayMoment } from './moment';
import { UserError, usageError } from './output';

/**
 * Returns what asks the signer before anything is signed. A script says `--yes`; what only takes something away needs neither, because
 * ending access must not wait for a terminal.
 *
 * @throws UserError of wrong usage if nobody can be asked
 */
export function consentTo(
  verb: Verb,
  { yes }: { readonly yes?: boolean },
  { ask }: Context,
): () => Promise<void> {
  if (yes === true) return async () => undefined;
  if (ask === undefined) {
    if (!NEEDS_NO_TERMINAL.includes(verb))
      throw usageError(
        `nothing was signed: there is no terminal to ask on; read the request (countersign request show ID), then add --yes`,
      );
    return async () => undefined;
  }
  return async () => {
    const answer = await ask(`${verb} this? [y/N] `);
    if (!/^\s*y(es)?\s*$/i.test(answer))
      throw new UserError('nothing was signed, as you answered', 1, 'NOT_CONFIRMED');
  };
}

/** What can only end something, whoever says it and why; and what machines say of an execution that is over. */
const NEEDS_NO_TERMINAL: readonly Verb[] = ['deny', 'cancel', 'withdraw', 'revoke', 'report'];

/** What a statement will claim, before it has a signer and times. */
export type Draft = Omit<StatementClaims, 'iss' | 'jti' | 'iat' | 'exp'>;

/** Says what a statement claims beyond the request that it is about. */
export function sayDraft(draft: Draft): string {
  const { verb, stage, durationMs, replacement, switchTo, endorses, reasonCode, ticket, policyBasis } = draft;
  const { emergencyCondition, verdict, outcome, comment, offer } = draft;
  const parts = [
    stage === undefined ? [] : `stage ${stage}`,
    durationMs === undefined ? [] : `for ${formatDuration(durationMs)}`,
    replacement === undefined
      ? []
      : `${replacement.replace} → ${replacement.with} until ${sayMoment(replacement.untilMs)}`,
    switchTo === undefined ? [] : `path ${switchTo.path} until ${sayMoment(switchTo.untilMs)}`,
    endorses === undefined ? [] : `the change ${endorses}`,
    ...[reasonCode, verdict, outcome].filter((said) => said !== undefined),
    ticket === undefined ? [] : `ticket ${ticket}`,
    policyBasis === undefined ? [] : `by policy ${policyBasis}`,
    emergencyCondition === undefined ? [] : `emergency ${emergencyCondition}`,
    offer === undefined ? [] : `would say yes to ${offer}`,
    comment === undefined ? [] : JSON.stringify(comment),
  ];
  return [verb, ...parts.flat()].join(', ');
}
