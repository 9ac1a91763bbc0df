import { accepted } from '../refusal';
import { checkDecider } from './approve';
import type { VerbRule } from './verb-rule';

/** One eligible person's no ends the request; nobody can outvote it. */
export const deny: VerbRule = (state, facts, atMs) => {
  const eligible = checkDecider(state, facts);
  return eligible.ok ? accepted([{ type: 'denied', atMs, by: facts.signer.id }]) : eligible;
};
