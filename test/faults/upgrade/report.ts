import type { UpgradeReport } from './run';

/** The JSON report: counts, and the lines that say what is wrong. */
export function toJson(report: UpgradeReport) {
  const { target, evidence } = report;
  return {
    seed: report.seed,
    waiting_before: report.waiting,
    alive_before: report.alive,
    requests: report.requests,
    granted: target.granted.size,
    decided_while_mixed: report.decided.meanwhile,
    decided_after: report.decided.after,
    mixed_seconds: report.mixedSeconds,
    tries_of_setup_database: report.setUpTries,
    answers_of_earlier_gateways: report.gatewayAnswers.earlier,
    answers_of_present_gateways: report.gatewayAnswers.present,
    faults: report.faults,
    unauthorised_grants: target.unauthorised.length,
    double_grants: target.double.length,
    late_grants: target.late.length,
    lost_requests: report.lost.length,
    undecided_requests: report.undecided.length,
    unreplayable_histories: report.unreplayable.length,
    replayed_histories: report.replayed,
    unverified_evidence: evidence.complaints.length,
    verified_evidence: evidence.verified,
    evidence_made_by: evidence.madeBy,
    seconds: report.seconds,
    complaints: complaintsOf(report),
  };
}

/** Returns true if every promise was kept. */
export const keptEveryPromise = (report: UpgradeReport): boolean => complaintsOf(report).length === 0;

const complaintsOf = ({
  target,
  lost,
  undecided,
  unreplayable,
  evidence,
}: UpgradeReport): readonly string[] => [
  ...target.unauthorised,
  ...target.double,
  ...target.late,
  ...lost,
  ...undecided,
  ...unreplayable,
  ...evidence.complaints,
];

/** The report for people. */
export function printReport(report: UpgradeReport): void {
  const { faults, complaints, evidence_made_by: madeBy, ...counts } = toJson(report);
  const row = (name: string, value: unknown) =>
    `${name.replaceAll('_', ' ').padEnd(30)}${String(value).padStart(7)}`;
  const lines = [
    ...Object.entries(counts).map(([name, value]) => row(name, value)),
    ...Object.entries(madeBy).map(([version, count]) => row(`evidence made by ${version}`, count)),
    ...Object.entries(faults).map(([name, count]) => row(`fault: ${name}`, count)),
    ...complaints.map((one) => `- ${one}`),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}
