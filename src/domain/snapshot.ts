import { nextDeadline } from './clock';
import type { PrincipalId } from './principal';
import { awaited, type RequestState } from './state';

/** What the `request` query answers: the state without the raw statements, with what is awaited and until when. */
export interface RequestSnapshot extends Omit<RequestState, 'statements' | 'seenStatementIds'> {
  readonly awaiting: readonly PrincipalId[];
  readonly nextDeadline?: { readonly atMs: number; readonly summary: string };
  readonly acceptedStatements: number;
}

/** The state as people and programs read it. */
export function snapshotOf(state: RequestState): RequestSnapshot {
  const { statements, seenStatementIds: _ids, ...rest } = state;
  const deadline = nextDeadline(state);
  return {
    ...rest,
    awaiting: awaited(state),
    ...(deadline && { nextDeadline: { atMs: deadline.atMs, summary: deadline.summary } }),
    acceptedStatements: statements.length,
  };
}
