import type { Child } from 'hono/jsx';
import type { DomainEvent } from '../../domain/event';
import { When, Who, Words } from './words';

type EventOf<T extends DomainEvent['type']> = Extract<DomainEvent, { type: T }>;
type Sentences = { readonly [T in DomainEvent['type']]: (event: EventOf<T>) => Child | undefined };

const by = (id: string, what: string): Child => (
  <>
    <Who id={id} /> {what}
  </>
);

/** What each event says to a person. Those that only repeat their neighbour say nothing. */
const SENTENCES: Sentences = {
  submitted: ({ submission }) => by(submission.request.requester, 'asked'),
  submission_rejected: ({ refusal }) => `what was submitted was refused: ${refusal.detail}`,
  recognised: () => undefined,
  assessed: ({ assessment }) => `policy: ${assessment.explanation}`,
  hard_stopped: () => 'stopped before anyone was asked',
  refused: () => 'refused',
  permitted: () => 'policy alone let it through',
  confirmation_awaited: () => 'a confirmation is awaited before approvers are asked',
  stage_opened: ({ stage }) => `stage ${stage} opened`,
  statement_accepted: ({ accepted: { statement, assurance } }) => (
    <>
      <Who id={statement.iss} /> signed <strong>{statement.verb}</strong> ({assurance})
      {statement.comment !== undefined && (
        <>
          {': '}
          <Words text={statement.comment} />
        </>
      )}
    </>
  ),
  statement_refused: ({ refusal, verb, by: who }) => (
    <>
      an attempt to {verb ?? 'say something'} by <Words text={who ?? 'somebody unknown'} /> was refused:{' '}
      <Words text={`${refusal.detail} (${refusal.code})`} />
    </>
  ),
  statements_dropped: ({ count }) => `${count} messages found no room`,
  approval_counted: () => undefined,
  approval_lapsed: ({ by: who, stage }) => by(who, `: the approval of stage ${stage} ran out`),
  confirmed: () => undefined,
  confirmation_lapsed: ({ by: who }) => by(who, ': the confirmation ran out'),
  stage_completed: ({ stage }) => `stage ${stage} is complete`,
  approved: () => 'approved',
  denied: ({ by: who }) => by(who, 'denied it'),
  cancelled: ({ by: who }) => by(who, 'cancelled it'),
  withdrawn: ({ by: who }) => by(who, 'withdrew it'),
  reroute_proposed: ({ reroute }) => (
    <>
      <Who id={reroute.by} /> proposed <Who id={reroute.with} /> in the place of <Who id={reroute.replace} />,
      which a second governor has to endorse
    </>
  ),
  rerouted: ({ reroute, endorsedBy }) => (
    <>
      <Who id={reroute.with} /> decides in the place of <Who id={reroute.replace} />, rerouted by{' '}
      <Who id={reroute.by} />
      {endorsedBy !== undefined && (
        <>
          , endorsed by <Who id={endorsedBy} />
        </>
      )}
    </>
  ),
  reroute_unendorsed: () => 'the proposed reroute ran out without an endorsement',
  replacement_lapsed: () => 'a replacement ended; the path is as it was',
  switch_proposed: ({ change }) => by(change.by, `proposed the path ${change.path.name}`),
  path_switched: ({ change }) => by(change.by, `moved it to the path ${change.path.name}`),
  switch_unendorsed: () => 'the proposed path ran out without an endorsement',
  switch_lapsed: () => 'the other path ended; the path is as it was',
  review_owed: () => 'a review is owed',
  reminded: ({ stage }) => `reminded of stage ${stage}`,
  escalated: ({ stage }) => `nobody answered at stage ${stage}: governance may step in`,
  lapsed: () => 'nobody answered in time',
  provisioning_started: () => undefined,
  provisioning_failed: ({ refusal }) => `not carried out: ${refusal.detail} (${refusal.code})`,
  granted: ({ lease }) => (
    <>
      access was given to <code>{lease.account}</code>
    </>
  ),
  ending_ordered: ({ by: who }) =>
    who === undefined ? 'its time is up' : by(who, 'ended it before its time'),
  access_ended: () => 'access was taken away',
  barred: () => undefined,
  review_overdue: () => 'the review is overdue',
  reviewed: ({ by: who, verdict }) => by(who, `reviewed it: ${verdict}`),
  execution_reported: ({ outcome, by: who, reporter }) =>
    by(reporter ?? who, `reported the execution: ${outcome}`),
  closed: () => 'closed',
};

function sentenceOf<T extends DomainEvent['type']>(event: EventOf<T>): Child | undefined {
  const type: T = event.type;
  return SENTENCES[type](event);
}

/** What has happened so far, newest first. */
export const EventList = ({ events }: { readonly events: readonly DomainEvent[] }) => (
  <ol class="events">
    {events.toReversed().map((event) => {
      const sentence = sentenceOf(event);
      return sentence === undefined ? undefined : (
        <li>
          <When atMs={event.atMs} />
          <span>{sentence}</span>
        </li>
      );
    })}
  </ol>
);
