export {
  type Reconciler,
  startReconciler,
} from './reconciler';
export {
  type StandingWatch,
  watchStanding,
} from './standing';
