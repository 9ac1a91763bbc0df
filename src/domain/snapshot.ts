import { nextDeadline } from './clock';
import { defined } from './defined';
import type { RerouteRecord, SwitchRecord } from './event';
import { type ChangeProgress, replacementsAmong, switchesAmong } from './path-change';
import type { PrincipalId } from './principal';
import type { Refusal } from './refusal';
import { awaited } from './stages';
import {
  type GrantedState,
  NO_PROGRESS,
  type Progress,
  type RequestState,
  type StateLog,
  type UngrantedRequest,
  type UnreadState,
} from './state';
import type { Status } from './status';

/**
 * What the `request` query answers: the state without the raw statements, with what is awaited and until when. It has the
 * members of all phases; those that a phase does not have are absent, or say that nothing has happened yet.
 */
export interface RequestSnapshot
  extends Omit<StateLog, 'statements' | 'seenStatementIds'>,
    Omit<Progress, 'pathChanges'>,
    Partial<Omit<GrantedState, 'phase' | 'status' | keyof StateLog | keyof Progress>>,
    Partial<Pick<UnreadState, 'rejection'> & Pick<UngrantedRequest, 'held'>> {
  readonly status: Status;
  readonly failure?: Refusal;
  readonly barred: boolean;
  readonly reroutes: readonly (RerouteRecord & ChangeProgress)[];
  /** Absent until a switch of the path is asked for. */
  readonly switches?: readonly (SwitchRecord & ChangeProgress)[];
  readonly awaiting: readonly PrincipalId[];
  readonly nextDeadline?: { readonly atMs: number; readonly summary: string };
  readonly acceptedStatements: number;
}

/** Returns the state as people and programs read it. */
export function snapshotOf(state: RequestState): RequestSnapshot {
  const {
    phase: _phase,
    statements,
    seenStatementIds: _ids,
    pathChanges,
    ...rest
  } = { ...NO_PROGRESS, ...state };
  const deadline = nextDeadline(state);
  const switches = switchesAmong(pathChanges).map(flatten);
  return {
    barred: false,
    ...rest,
    reroutes: replacementsAmong(pathChanges).map(flatten),
    ...(switches.length > 0 && { switches }),
    awaiting: awaited(state),
    ...(deadline && { nextDeadline: { atMs: deadline.atMs, summary: deadline.summary } }),
    acceptedStatements: statements.length,
  };
}

/** A change as the query has always answered it: its record and its progress side by side. */
const flatten = <T extends object>({
  record,
  phase,
  endorsedBy,
}: { readonly record: T } & ChangeProgress) => ({
  ...record,
  phase,
  ...defined({ endorsedBy }),
});

/** What the sender of a statement gets back: accepted or refused, and where the request stands then. */
export interface StatementAnswer {
  readonly accepted: boolean;
  readonly refusal?: Refusal;
  readonly status: Status;
  readonly revision: number;
}
