export {
  type Reconciler,
  type ReconcilerCounts,
  type ReconcilerOptions,
  startReconciler,
} from './reconciler';
