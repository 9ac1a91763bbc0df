import { endedUngranted, type RequestState } from './state';

/** What the workflow has to do next in the outside world: at most one thing at a time. */
export type Effect = 'assess' | 'provision' | 'end_access' | 'bar';

/** Returns undefined if the request only waits. */
export function nextEffect(state: RequestState): Effect | undefined {
  if (state.status === 'assessing') return 'assess';
  if (state.status === 'provisioning') return 'provision';
  if (state.status === 'active' && state.ending !== undefined) return 'end_access';
  if (endedUngranted(state) && !state.barred) return 'bar';
  return undefined;
}
