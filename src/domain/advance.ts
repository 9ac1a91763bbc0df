import { hasBegun } from './lasting';
import { firstIncompleteStage, isConfirmationAwaited, isStageComplete, stageNamed } from './stages';
import type { Trail } from './trail';

/** Moves a request along its path as far as what has been collected allows. */
export function advance(trail: Trail, atMs: number): void {
  moveAlongPath(trail, atMs);
  const { status, review } = trail.state;
  const ended = status === 'expired' || status === 'revoked';
  if (ended && (review.phase === 'none' || review.phase === 'done')) trail.add({ type: 'closed', atMs });
}

function moveAlongPath(trail: Trail, atMs: number): void {
  const { state } = trail;
  if (state.phase !== 'assessed' || state.status === 'provisioning') return;
  const { assessment, status } = state;
  const awaitsConfirmation = isConfirmationAwaited(state);
  if (assessment.confirmation?.before === 'approval' && awaitsConfirmation) {
    if (status === 'assessing') trail.add({ type: 'confirmation_awaited', atMs });
    return;
  }
  const next = firstIncompleteStage(state);
  const open = stageNamed(state, state.openStage);
  if (open !== undefined && isStageComplete(state, open))
    trail.add({ type: 'stage_completed', atMs, stage: open.name });
  if (next !== undefined) {
    if (next !== open) trail.add({ type: 'stage_opened', atMs, stage: next.name, revision: state.revision });
    return;
  }
  if (status !== 'approved')
    trail.add({ type: assessment.outcome === 'permit' ? 'permitted' : 'approved', atMs });
  if (!awaitsConfirmation && hasBegun(state.submission.request, atMs))
    trail.add({ type: 'provisioning_started', atMs });
}
