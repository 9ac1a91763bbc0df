import { share } from '../figures';
import { type Finding, type Material, percent, plural, THRESHOLDS } from './finding';

/** An identity keeps requesting what it does not get: it needs another entitlement, or has work that nobody planned for. */
export function* repeatedDenials({ tally }: Material): Generator<Finding> {
  for (const [identity, asker] of tally.askers.named()) {
    const denials = asker.denied + asker.stopped;
    if (denials < THRESHOLDS.denials || share(denials, asker.requests) < THRESHOLDS.denialShare) continue;
    const [most] = [...asker.denials].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
    yield {
      signal: 'repeated-denials',
      subject: identity,
      summary: `${denials} of ${plural(asker.requests, 'request')} for ${identity} were denied or stopped`,
      evidence: {
        requests: asker.requests,
        'denied by people': asker.denied,
        'stopped by policy': asker.stopped,
        'asked again': asker.repeats,
        granted: asker.granted,
        'most often': most === undefined ? 'nothing' : `${most[0]} (${most[1]})`,
        ...(asker.why !== undefined && { 'last reason of policy': asker.why }),
      },
      proposal:
        asker.safeWay === undefined
          ? 'Ask its owner what the work is; then offer an entitlement that fits, or stop that work.'
          : `Show its owner the safe way, and make it as easy as a request: ${asker.safeWay}`,
    };
  }
}

/** Access on a target without a request: somebody found an easier way. */
export function* outOfBand({ tally }: Material): Generator<Finding> {
  const groups = new Map<
    string,
    { connector: string; grant: string; accounts: Set<string>; lastAtMs: number }
  >();
  for (const { connector, grant, account, lastAtMs } of tally.drift) {
    const key = `${connector} ${grant}`;
    const group = groups.get(key) ?? { connector, grant, accounts: new Set<string>(), lastAtMs: 0 };
    groups.set(key, group);
    group.accounts.add(account);
    group.lastAtMs = Math.max(group.lastAtMs, lastAtMs);
  }
  for (const { connector, grant, accounts, lastAtMs } of groups.values()) {
    const entitlement = tally.drift.find(
      (one) => one.connector === connector && one.grant === grant,
    )?.entitlement;
    yield {
      signal: 'out-of-band-access',
      subject: `${grant} on ${connector}`,
      summary: `${plural(accounts.size, 'account')} on ${connector} hold ${grant} without a request`,
      evidence: {
        accounts: [...accounts].sort().slice(0, 10).join(', '),
        entitlement: entitlement ?? 'none in the catalog',
        'last seen': new Date(lastAtMs).toISOString(),
      },
      proposal:
        entitlement === undefined
          ? 'Remove the access on the target, and add an entitlement to the catalog if people need it.'
          : `Remove the access on the target, and find out why ${entitlement} was not requested: how long does a request take?`,
    };
  }
}

/** Approvals faster than anyone reads: signed, but not reviewed. */
export function* hardlyRead({ figures }: Material): Generator<Finding> {
  for (const approver of figures.approvers) {
    const { person, approvals, hardlyReadShare, approvalP50Ms = 0, busiestHour } = approver;
    if (approvals < THRESHOLDS.hardlyReadApprovals || hardlyReadShare < THRESHOLDS.hardlyReadShare) continue;
    yield {
      signal: 'hardly-read-approvals',
      subject: person,
      summary: `${percent(hardlyReadShare)} of ${plural(approvals, 'approval')} of ${person} came sooner than anyone could read`,
      evidence: {
        approvals,
        denials: approver.denials,
        'seconds, median': Math.round(approvalP50Ms / 100) / 10,
        'prompts in the busiest hour': busiestHour.prompts,
      },
      proposal:
        'Ask fewer people about what needs no judgement (see auto-approval candidates), and show approvers only what they need.',
    };
  }
}
