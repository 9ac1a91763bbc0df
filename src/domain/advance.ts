import { firstIncompleteStage, isConfirmationAwaited, isStageComplete, stageNamed } from './state';
import type { Trail } from './trail';

/** Moves a request along its path as far as what has been collected allows. */
export function advance(trail: Trail, atMs: number): void {
  moveAlongPath(trail, atMs);
  const { status, review } = trail.state;
  const ended = status === 'expired' || status === 'revoked';
  if (ended && (review.phase === 'none' || review.phase === 'done')) trail.add({ type: 'closed', atMs });
}

function moveAlongPath(trail: Trail, atMs: number): void {
  const { assessment, status } = trail.state;
  const onPath = status === 'assessing' || status === 'awaiting_approval' || status === 'approved';
  if (assessment === undefined || !onPath) return;
  if (assessment.confirmation?.before === 'approval' && isConfirmationAwaited(trail.state)) {
    if (status === 'assessing') trail.add({ type: 'confirmation_awaited', atMs });
    return;
  }
  const next = firstIncompleteStage(trail.state);
  const open = stageNamed(trail.state, trail.state.openStage);
  if (open !== undefined && isStageComplete(trail.state, open))
    trail.add({ type: 'stage_completed', atMs, stage: open.name });
  if (next !== undefined) {
    if (next !== open)
      trail.add({ type: 'stage_opened', atMs, stage: next.name, revision: trail.state.revision });
    return;
  }
  if (assessment.outcome === 'permit') {
    if (status !== 'approved') trail.add({ type: 'permitted', atMs });
  } else if (status !== 'approved') {
    trail.add({ type: 'approved', atMs });
  }
  if (!isConfirmationAwaited(trail.state)) trail.add({ type: 'provisioning_started', atMs });
}
