import type { DomainEvent } from '../../domain/event';
import { type AccessRequest, entitlementName } from '../../domain/request';
import type { EvidenceFile } from '../evidence/schema';
import { seatsOf } from '../verify/duties';
import type { Table } from './table';

/** The span that a report is about, end exclusive. */
export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

/** The questions that auditors ask. */
export const QUESTIONS = {
  approvals: 'who approved what for whom',
  reroutes: 'reroutes, with their grounds',
  emergencies: 'emergencies and their reviews',
  denials: 'denials by people, with their reasons',
  refusals: 'refused attempts',
  duties: 'separation of duties of every grant',
  stops: 'what policy stopped or refused',
  alive: 'access alive at one moment',
} as const;
export type Question = keyof typeof QUESTIONS;

type EventOf<T extends DomainEvent['type']> = Extract<DomainEvent, { type: T }>;

/** A piece of evidence, prepared for the questions. */
class Subject {
  readonly events: readonly DomainEvent[];
  readonly request: AccessRequest | undefined;

  constructor(readonly evidence: EvidenceFile) {
    this.events = evidence.steps.flatMap(({ events }) => events.map(({ event }) => event));
    const [first] = this.events;
    this.request = first?.type === 'submitted' ? first.submission.request : undefined;
  }

  all<T extends DomainEvent['type']>(type: T): readonly EventOf<T>[] {
    return this.events.filter((event): event is EventOf<T> => event.type === type);
  }

  within<T extends DomainEvent['type']>(type: T, { fromMs, toMs }: Span): readonly EventOf<T>[] {
    return this.all(type).filter(({ atMs }) => atMs >= fromMs && atMs < toMs);
  }

  get what(): string {
    return this.request === undefined ? '' : entitlementName(this.request.entitlement);
  }

  get forWhom(): string {
    return this.request?.beneficiary ?? '';
  }
}

/** Answers a question from evidence alone. Rows are ordered by time. */
export function answer(
  question: Question,
  evidence: Iterable<EvidenceFile>,
  span: Span,
  atMs: number,
): Table {
  const { columns, rowsOf } = ANSWERS[question];
  const rows: string[][] = [];
  for (const one of evidence) rows.push(...rowsOf(new Subject(one), span, atMs));
  rows.sort((a, b) => (`${a[0]} ${a[1]}` < `${b[0]} ${b[1]}` ? -1 : 1));
  const title = question === 'alive' ? `access alive at ${iso(atMs)}` : QUESTIONS[question];
  return { title, columns, rows };
}

interface Answer {
  readonly columns: readonly string[];
  rowsOf(subject: Subject, span: Span, atMs: number): readonly string[][];
}

const iso = (atMs: number): string => new Date(atMs).toISOString();

const ANSWERS: Readonly<Record<Question, Answer>> = {
  approvals: {
    columns: ['at', 'request', 'by', 'stage', 'what', 'for', 'asked by', 'status'],
    rowsOf: (one, span) => [
      ...one
        .within('approval_counted', span)
        .map(({ atMs, by, stage }) =>
          row(one, atMs, by, stage, one.what, one.forWhom, requesterOf(one), status(one)),
        ),
      ...one
        .within('permitted', span)
        .map(({ atMs }) =>
          row(one, atMs, 'policy alone', policies(one), one.what, one.forWhom, requesterOf(one), status(one)),
        ),
    ],
  },
  reroutes: {
    columns: [
      'at',
      'request',
      'by',
      'from',
      'to',
      'until',
      'reason',
      'ticket',
      'policy basis',
      'policy',
      'second review',
    ],
    rowsOf: (one, span) => [
      ...[...one.within('reroute_proposed', span), ...one.within('rerouted', span)].map((event) =>
        changeRow(one, event, event.reroute, event.reroute.replace, event.reroute.with),
      ),
      ...[...one.within('switch_proposed', span), ...one.within('path_switched', span)].map((event) =>
        changeRow(one, event, event.change, `path ${event.change.from}`, `path ${event.change.path.name}`),
      ),
    ],
  },
  emergencies: {
    columns: ['at', 'request', 'asked by', 'what', 'condition', 'ticket', 'given', 'ended', 'review'],
    rowsOf: (one, span) =>
      one
        .within('submitted', span)
        .filter(({ submission }) => submission.request.emergency)
        .map(({ atMs }) =>
          row(
            one,
            atMs,
            requesterOf(one),
            one.what,
            one.request?.emergencyCondition ?? '',
            one.request?.ticket ?? '',
            one
              .all('granted')
              .map(({ lease }) => iso(lease.grantedAtMs))
              .join(),
            one
              .all('access_ended')
              .map((event) => iso(event.endedAtMs ?? event.atMs))
              .join(),
            reviewOf(one),
          ),
        ),
  },
  denials: {
    columns: ['at', 'request', 'by', 'reason', 'ticket', 'comment', 'what', 'for', 'asked by'],
    rowsOf: (one, span) =>
      one.within('denied', span).map(({ atMs, by }) => {
        const { reasonCode = '', ticket = '', comment = '' } = denialOf(one, by) ?? {};
        return row(one, atMs, by, reasonCode, ticket, comment, one.what, one.forWhom, requesterOf(one));
      }),
  },
  refusals: {
    columns: ['at', 'request', 'code', 'verb', 'by', 'detail'],
    rowsOf: (one, span) => [
      ...one
        .within('statement_refused', span)
        .map(({ atMs, refusal, verb, by }) =>
          row(one, atMs, refusal.code, verb ?? '', by ?? '', refusal.detail),
        ),
      ...one
        .within('submission_rejected', span)
        .map(({ atMs, refusal }) => row(one, atMs, refusal.code, 'submit', '', refusal.detail)),
      ...one
        .within('provisioning_failed', span)
        .map(({ atMs, refusal }) => row(one, atMs, refusal.code, 'provision', '', refusal.detail)),
      ...one
        .within('statements_dropped', span)
        .map(({ atMs, count }) => row(one, atMs, 'RATE_LIMITED', '', '', `${count} messages were dropped`)),
    ],
  },
  duties: {
    columns: ['at', 'request', 'what', 'asked by', 'for', 'in conflict', 'decided by', 'in the place of'],
    rowsOf: (one, span) =>
      one.within('granted', span).map(({ atMs }) => {
        const seats = seatsOf(one.evidence);
        const [assessed] = one.all('assessed');
        const parties = new Set(assessed?.assessment.parties.map(({ id }) => id));
        const alone = assessed?.assessment.outcome === 'permit' ? 'policy alone' : 'NOT SEPARATE';
        const by = seats.map((seat) => `${seat.stage}: ${seat.by}`).join('; ');
        const places = seats.filter((seat) => seat.by !== seat.place).map((seat) => seat.place);
        return row(
          one,
          atMs,
          one.what,
          requesterOf(one),
          one.forWhom,
          [...parties].join(' '),
          by || alone,
          places.join(' '),
        );
      }),
  },
  stops: {
    columns: ['at', 'request', 'outcome', 'codes', 'what', 'for', 'asked by', 'why', 'safe way'],
    rowsOf: (one, span) =>
      one
        .within('assessed', span)
        .filter(({ assessment }) => ['hard_stop', 'refuse'].includes(assessment.outcome))
        .map(({ atMs, assessment: { outcome, reasonCodes, explanation, safeWay } }) =>
          row(
            one,
            atMs,
            outcome,
            reasonCodes.join(' '),
            one.what,
            one.forWhom,
            requesterOf(one),
            explanation,
            safeWay ?? '',
          ),
        ),
  },
  alive: {
    columns: ['given', 'request', 'account', 'what', 'for', 'ends', 'emergency'],
    rowsOf: (one, _span, atMs) =>
      aliveAt(one.evidence, atMs)
        ? one
            .all('granted')
            .map(({ lease }) =>
              row(
                one,
                lease.grantedAtMs,
                lease.account,
                one.what,
                one.forWhom,
                iso(lease.expiresAtMs),
                one.request?.emergency ? 'yes' : 'no',
              ),
            )
        : [],
  },
};

const row = (one: Subject, atMs: number, ...cells: readonly string[]): string[] => [
  iso(atMs),
  one.evidence.request,
  ...cells,
];
/** Returns the row of a path change: by whom, from what, to what, why, and whether a second governor endorsed it. */
function changeRow(
  one: Subject,
  event: { readonly atMs: number; readonly endorsedBy?: string },
  change: EventOf<'rerouted'>['reroute'] | EventOf<'path_switched'>['change'],
  from: string,
  to: string,
): string[] {
  const { by, untilMs, reasonCode, ticket, policyBasis, policyDigest, endorsementNeeded } = change;
  const needed = endorsementNeeded ? 'awaited' : 'not needed';
  const review = event.endorsedBy === undefined ? needed : `given by ${event.endorsedBy}`;
  return row(
    one,
    event.atMs,
    by,
    from,
    to,
    iso(untilMs),
    reasonCode,
    ticket,
    policyBasis,
    policyDigest,
    review,
  );
}

/** What the person signed who denied it: the last denial of theirs that counted. */
const denialOf = (one: Subject, by: string) =>
  one
    .all('statement_accepted')
    .map(({ accepted: { statement } }) => statement)
    .findLast(({ verb, iss }) => verb === 'deny' && iss === by);

const requesterOf = (one: Subject): string => one.request?.requester ?? '';
const status = (one: Subject): string => one.evidence.status;
const policies = (one: Subject): string =>
  one.all('permitted').length > 0
    ? (one.all('assessed')[0]?.assessment.determiningPolicies.join(' ') ?? '')
    : '';

function reviewOf(one: Subject): string {
  const [reviewed] = one.all('reviewed');
  if (reviewed !== undefined) return `${reviewed.verdict}, by ${reviewed.by} at ${iso(reviewed.atMs)}`;
  const due = one.all('granted')[0]?.reviewDueAtMs;
  if (due === undefined) return 'none owed';
  return `${one.all('review_overdue').length > 0 ? 'overdue since' : 'owed by'} ${iso(due)}`;
}

/**
 * Returns true if, by the evidence, the request's access existed at that moment. If the evidence was
 * made while access existed, the planned end counts.
 */
export function aliveAt(evidence: EvidenceFile, atMs: number): boolean {
  const one = new Subject(evidence);
  const [granted, ended, held] = [
    one.all('granted')[0],
    one.all('access_ended')[0],
    one.all('barred')[0]?.held,
  ];
  const lease = granted?.lease ?? held?.lease;
  if (lease === undefined || atMs < lease.grantedAtMs) return false;
  return atMs < (held?.endedAtMs ?? ended?.endedAtMs ?? ended?.atMs ?? lease.expiresAtMs);
}
