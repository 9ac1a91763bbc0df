import { DENIAL_REPORT_TYPE, ENFORCEMENT_POINT_ROLE } from '../contracts/denial-report';
import { signedEnvelopeSchema } from '../contracts/request';
import { LIMITS } from '../domain/limits';
import { refused } from '../domain/refusal';
import type { Dependencies } from './dependencies';
import type { Activities } from './types';

/** Records what a policy enforcement point denied, if its own signature says so (APB-3). */
export function reportDenialActivity(dependencies: Dependencies): Activities['reportDenial'] {
  return async (raw) => {
    const envelope = signedEnvelopeSchema.safeParse(raw);
    if (!envelope.success) return refused('MALFORMED', `not a signed ${DENIAL_REPORT_TYPE}`);
    const { directory } = await dependencies.authority();
    const nowMs = dependencies.nowMs();
    const verified = await directory.authenticateDenial(envelope.data, nowMs);
    if (!verified.ok) return verified;
    const { report, reporter } = verified.value;
    if (!reporter.active)
      return refused('DISABLED_IDENTITY', `${reporter.id} is disabled or past its end date`);
    if (!reporter.roles.includes(ENFORCEMENT_POINT_ROLE))
      return refused('NOT_ELIGIBLE', `${reporter.id} is no ${ENFORCEMENT_POINT_ROLE} in the directory`);
    if (report.deniedAtMs > nowMs + LIMITS.clockSkewMs)
      return refused('EXPIRED_STATEMENT', 'the denial is dated in the future');
    await dependencies.ledger.reportDenial(report);
    return { ok: true, value: { id: report.id } };
  };
}
