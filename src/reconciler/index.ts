export {
  type Reconciler,
  type ReconcilerCounts,
  type ReconcilerOptions,
  startReconciler,
} from './reconciler';
export { type StandingBook, type StandingWatch, type StandingWatchOptions, watchStanding } from './standing';
