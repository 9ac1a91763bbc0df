import { requestDigest } from '../../../domain/digest';
import { generateKey, importSigningKey } from '../../../signing/keys';
import { signStatement } from '../../../signing/sign';
import type { Demo } from '../demo';

const WRITE = 'warehouse:payments#write';

/** Being able to talk to the orchestrator is not authority. */
export async function forgeries({ cast, script }: Demo): Promise<void> {
  script.scene('6  Forged, borrowed and repeated approvals are refused, and on record (TTA-3, TTA-5, AUD-2)');
  const first = await cast.ask({
    requester: 'ci/payments',
    entitlement: WRITE,
    durationMs: 4_000,
    reason: 'first',
  });
  const other = await cast.ask({
    requester: 'service/reconciliation',
    entitlement: WRITE,
    durationMs: 4_000,
    reason: 'other',
  });
  await Promise.all([cast.settled(first), cast.settled(other)]);
  const stranger = await importSigningKey((await generateKey()).privateJwkText, 'forged key');
  if (!stranger.ok) throw new Error(stranger.message);
  const claims = { verb: 'approve' as const, request: first.id, digest: requestDigest(first), revision: 0 };
  const forged = await signStatement(claims, 'person/mira', stranger.key, {
    nowMs: Date.now(),
    lifeMs: 60_000,
  });
  await cast.signal(first, 'approve', forged);
  const forOther = await cast.sign('person/mira', 'approve', other);
  script.check("Mira's approval of another request", 'DIGEST_MISMATCH', await cast.carry(first, forOther));
  script.check('it counts where it belongs', 'accepted', await cast.carry(other, forOther));
  script.check('the same approval once more', 'REPLAYED', await cast.carry(other, forOther));
  const view = await cast.view(first);
  script.check(
    'a signal with a forged signature',
    'UNKNOWN_KEY',
    view.refusals[0]?.refusal.code ?? 'not on record',
  );
  script.check('refusals on record', '2', String(view.refusalCount));
  script.check('the request still waits', 'awaiting_approval', view.status);
  script.check(
    'a lead denies it',
    'accepted',
    await cast.say('person/tomas', 'deny', first, { reasonCode: 'not-now' }),
  );
  await cast.over(other);
}
