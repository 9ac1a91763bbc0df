import { endedUngranted, type RequestState } from './state';

/** What a state calls for next from the outside world. At most one thing at a time. */
export type Effect = 'assess' | 'provision' | 'end_access' | 'bar';

/** The effect a state calls for, or none when it only waits. */
export function nextEffect(state: RequestState): Effect | undefined {
  if (state.status === 'assessing') return 'assess';
  if (state.status === 'provisioning') return 'provision';
  if (state.status === 'active' && state.ending !== undefined) return 'end_access';
  if (endedUngranted(state) && !state.barred) return 'bar';
  return undefined;
}
