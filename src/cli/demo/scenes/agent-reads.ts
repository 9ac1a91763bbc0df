import type { Demo } from '../demo';

const REPORTING = 'warehouse:reporting#read';

/** Low risk passes by policy alone, at once. */
export async function agentReads({ cast, script }: Demo): Promise<void> {
  script.scene('1  An agent asks to read reports: policy alone decides (FRI-1)');
  const request = await cast.ask({
    requester: 'agent/atlas',
    entitlement: REPORTING,
    durationMs: 5_000,
    reason: 'weekly revenue report',
  });
  const view = await cast.decided(request);
  script.check(
    'decided by policy, nobody was asked',
    'permit, 0 approvals',
    `${view.assessment?.outcome}, ${view.approvals.length} approvals`,
  );
  script.check('the role in the database', 'present', await cast.holds('atlas_agent', 'reporting_read'));
  await cast.over(request);
  script.check('the role after five seconds', 'absent', await cast.holds('atlas_agent', 'reporting_read'));
}
