import { FINDING_KINDS } from '../connectors/contract';
import { DECISION_ROUTES, DECISIONS } from '../domain/measurement';
import { REFUSAL_CODES } from '../domain/refusal';
import { VERBS } from '../domain/statement';

/** Values that a label may take: a closed list, or names from the operator's own configuration. */
export type LabelValues = readonly string[] | 'configured';

export interface MetricSpec {
  readonly kind: 'counter' | 'gauge' | 'histogram';
  readonly from: 'worker' | 'gateway';
  readonly unit: string;
  readonly help: string;
  readonly labels: Readonly<Record<string, LabelValues>>;
  readonly buckets?: readonly number[];
}

const CALL_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const HUMAN_SECONDS = [
  0.05, 0.25, 1, 5, 15, 60, 300, 900, 3_600, 14_400, 43_200, 86_400, 259_200, 604_800, 2_592_000,
];
const LATE_SECONDS = [0.1, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 900, 3_600];
const connector = 'configured';
const activity = ['assess', 'checkStatements', 'provision', 'endAccess', 'reportDenial'];

/**
 * Every metric there is, under the name that a scrape shows. A label takes only values of its list, or names that the
 * operator's own files hold: nothing that a requester wrote can make a new time series.
 */
export const METRICS = {
  countersign_requests_assessed_total: {
    kind: 'counter',
    from: 'worker',
    unit: '{request}',
    help: 'Requests that policy was asked about, by what it said.',
    labels: { outcome: ['permit', 'approve', 'hard_stop', 'refuse', 'unreadable'] },
  },
  countersign_requests_decided_total: {
    kind: 'counter',
    from: 'worker',
    unit: '{decision}',
    help: 'Decisions on requests, by policy or by people.',
    labels: { decision: DECISIONS, lane: DECISION_ROUTES },
  },
  countersign_time_to_decision_seconds: {
    kind: 'histogram',
    from: 'worker',
    unit: 's',
    help: 'From the start of a request to its decision.',
    labels: { decision: DECISIONS, lane: DECISION_ROUTES },
    buckets: HUMAN_SECONDS,
  },
  countersign_decision_to_grant_seconds: {
    kind: 'histogram',
    from: 'worker',
    unit: 's',
    help: 'From the decision to the access, on the target.',
    labels: { connector, lane: DECISION_ROUTES },
    buckets: HUMAN_SECONDS,
  },
  countersign_grants_refused_total: {
    kind: 'counter',
    from: 'worker',
    unit: '{grant}',
    help: 'Acts that proved the evidence again and refused.',
    labels: { connector, code: REFUSAL_CODES },
  },
  countersign_leases_active: {
    kind: 'gauge',
    from: 'worker',
    unit: '{lease}',
    help: 'Leases alive on the target, as the last look found them.',
    labels: { connector },
  },
  countersign_leases_ended_total: {
    kind: 'counter',
    from: 'worker',
    unit: '{lease}',
    help: 'Leases ended, by what ended them.',
    labels: { connector, cause: ['expired', 'revoked', 'overdue', 'standing'] },
  },
  countersign_lease_end_lag_seconds: {
    kind: 'histogram',
    from: 'worker',
    unit: 's',
    help: 'How long after its end, or the order to end it, access was gone.',
    labels: { connector, by: ['workflow', 'reconciler'] },
    buckets: LATE_SECONDS,
  },
  countersign_statements_total: {
    kind: 'counter',
    from: 'worker',
    unit: '{statement}',
    help: 'Statements judged.',
    labels: { verb: [...VERBS, 'unknown'], result: ['accepted', 'refused'] },
  },
  countersign_refusals_total: {
    kind: 'counter',
    from: 'worker',
    unit: '{statement}',
    help: 'Statements refused, by code.',
    labels: { code: REFUSAL_CODES },
  },
  countersign_statements_dropped_total: {
    kind: 'counter',
    from: 'worker',
    unit: '{statement}',
    help: 'Messages for which the inbox of a request had no room.',
    labels: {},
  },
  countersign_prompts_total: {
    kind: 'counter',
    from: 'worker',
    unit: '{prompt}',
    help: 'Stages opened, reminders and escalations.',
    labels: { how: ['opened', 'reminded', 'escalated'] },
  },
  countersign_reviews_total: {
    kind: 'counter',
    from: 'worker',
    unit: '{review}',
    help: 'Reviews that fell due, became overdue, or were given.',
    labels: { phase: ['due', 'overdue', 'done'] },
  },
  countersign_reviews_owed: {
    kind: 'gauge',
    from: 'worker',
    unit: '{review}',
    help: 'Reviews owed now, as the ledger has them.',
    labels: { phase: ['due', 'overdue'] },
  },
  countersign_activity_duration_seconds: {
    kind: 'histogram',
    from: 'worker',
    unit: 's',
    help: 'What activities took, each try for itself.',
    labels: { activity, result: ['done', 'failed'] },
    buckets: CALL_SECONDS,
  },
  countersign_revocations_failing: {
    kind: 'gauge',
    from: 'worker',
    unit: '{lease}',
    help: 'Leases whose ending has failed in this worker and is tried again.',
    labels: { connector },
  },
  countersign_revocation_failing_seconds: {
    kind: 'gauge',
    from: 'worker',
    unit: 's',
    help: 'For how long the oldest of them has been failing.',
    labels: { connector },
  },
  countersign_reconciler_looks_total: {
    kind: 'counter',
    from: 'worker',
    unit: '{look}',
    help: 'Looks at a target; skipped where another worker was looking.',
    labels: { connector, result: ['done', 'skipped', 'failed'] },
  },
  countersign_reconciler_findings_total: {
    kind: 'counter',
    from: 'worker',
    unit: '{finding}',
    help: 'What looks have found; what stays is found again at every look.',
    labels: { connector, kind: FINDING_KINDS },
  },
  countersign_reconciler_last_look_timestamp_seconds: {
    kind: 'gauge',
    from: 'worker',
    unit: 's',
    help: 'When this worker last came through a look.',
    labels: { connector },
  },
  countersign_archived_total: {
    kind: 'counter',
    from: 'worker',
    unit: '{record}',
    help: 'Records written to the archive.',
    labels: { kind: ['evidence', 'checkpoint'] },
  },
  countersign_archive_backlog: {
    kind: 'gauge',
    from: 'worker',
    unit: '{request}',
    help: 'Closed requests that the last look could not archive.',
    labels: {},
  },
  countersign_archive_endangered: {
    kind: 'gauge',
    from: 'worker',
    unit: '{request}',
    help: 'Those of them that the server will have forgotten before long.',
    labels: {},
  },
  countersign_archive_last_look_timestamp_seconds: {
    kind: 'gauge',
    from: 'worker',
    unit: 's',
    help: 'When the archivist last came through.',
    labels: {},
  },
  countersign_ledger_errors_total: {
    kind: 'counter',
    from: 'worker',
    unit: '{error}',
    help: 'Calls to the ledger that failed.',
    labels: {
      operation: [
        ...['ask', 'assessed', 'ended', 'granted', 'neverGranted', 'over', 'openGrants', 'grantOf'],
        ...['grantsOf', 'reviewed', 'reportDenial', 'reviewsOwed', 'signed'],
      ],
    },
  },
  countersign_evaluations_total: {
    kind: 'counter',
    from: 'gateway',
    unit: '{evaluation}',
    help: 'Evaluations, by decision; requestable is a denial that a request could change.',
    labels: { decision: ['permit', 'requestable', 'deny'] },
  },
  countersign_evaluation_duration_seconds: {
    kind: 'histogram',
    from: 'gateway',
    unit: 's',
    help: 'What one evaluation took.',
    labels: {},
    buckets: CALL_SECONDS,
  },
  http_server_request_duration_seconds: {
    kind: 'histogram',
    from: 'gateway',
    unit: 's',
    help: 'Calls, by route and status.',
    labels: {
      http_request_method: ['GET', 'POST', '_OTHER'],
      http_route: 'configured',
      http_response_status_code: [
        ...['200', '201', '202', '204', '400', '401', '403', '404', '405', '409', '410', '413', '415'],
        ...['422', '429', '500', '503'],
      ],
    },
    buckets: CALL_SECONDS,
  },
  countersign_rate_limited_total: {
    kind: 'counter',
    from: 'gateway',
    unit: '{request}',
    help: 'Calls turned away because there were too many.',
    labels: { limit: ['evaluation', 'submission', 'reading', 'redemption', 'unauthenticated'] },
  },
  countersign_redemptions_total: {
    kind: 'counter',
    from: 'gateway',
    unit: '{redemption}',
    help: 'Uses of execution tokens, by what came of them.',
    labels: { result: ['redeemed', 'failed', ...REFUSAL_CODES] },
  },
} as const satisfies Readonly<Record<string, MetricSpec>>;

export type MetricName = keyof typeof METRICS;
export type LabelsOf<Name extends MetricName> = {
  readonly [Label in keyof (typeof METRICS)[Name]['labels']]: string;
};

/** Takes measurements. Libraries use `NO_METRICS` unless a program passes another sink. */
export interface MetricsSink {
  record<Name extends MetricName>(name: Name, value: number, labels: LabelsOf<Name>): void;
}

export const NO_METRICS: MetricsSink = { record: () => undefined };

/** Replaces a value that is not in its label's list. */
export const OTHER = 'other';
