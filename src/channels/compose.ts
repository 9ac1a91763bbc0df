import { type Quorum, sayCall, sayPrecedent, sayQuorum } from '../contracts/progress';
import { isPrincipalId } from '../domain/principal';
import type { CountedStatement } from '../domain/state';
import { type DecidedHow, type Message, NOTICES_IN_A_MESSAGE, type Notice, type ReviewFacts } from './notice';
import { LONGEST_QUOTE, nameOf, quotable } from './words';

/** A notice in sentences, for any medium. It contains no links, mentions or line breaks. */
export interface Item {
  readonly headline: string;
  /** What the reader has to know, in order. */
  readonly facts: readonly string[];
  /** The requester's own words, with nothing left that could be clicked. */
  readonly quote?: string;
  /** Commands, exactly as they are typed. */
  readonly commands: readonly string[];
  /** Address of the page that shows the request. Opening it approves nothing. */
  readonly page?: string;
}

/** A message in sentences. */
export interface Letter {
  readonly subject: string;
  readonly items: readonly Item[];
  readonly more: number;
  readonly closing: string;
}

/** No message can be answered, clicked or forwarded into an approval. */
const CLOSING =
  'Nothing is decided by this message, and nothing in it can approve: whoever decides signs with their own key.';

const DECIDED: Readonly<Record<DecidedHow, string>> = {
  granted: 'granted',
  denied: 'denied',
  cancelled: 'cancelled',
  ended: 'ended without access',
};

export interface Links {
  /** Address of the page of one request, with `{id}` for the request's id. */
  readonly request?: string;
}

/** Puts a message into sentences. */
export function letterOf(message: Message, links: Links = {}): Letter {
  const { notices, more } = message;
  const shown = notices.slice(0, NOTICES_IN_A_MESSAGE);
  const items = shown.map((notice) =>
    itemOf(notice, links, shown.length > FEW ? LONGEST_QUOTE.ofMany : LONGEST_QUOTE.ofFew),
  );
  const hidden = more + notices.length - shown.length;
  const [first] = items;
  const count = items.length + hidden;
  const subject =
    count === 0
      ? 'a test message; there is nothing to do'
      : count === 1 && first !== undefined
        ? first.headline
        : countsOf(shown, hidden);
  return { subject: `Countersign: ${subject}`, items, more: hidden, closing: CLOSING };
}

/** Says what a message of several notices wants: what waits for the reader to act, and what is only to know. */
export function countsOf(shown: readonly Notice[], hidden: number): string {
  const acts = shown.filter(({ subject }) => subject.verb !== undefined).length;
  const known = shown.length - acts;
  const parts = [
    acts === 0 ? [] : `${acts} ${acts === 1 ? 'request waits' : 'requests wait'} for you`,
    known === 0 ? [] : `${known} ${known === 1 ? 'thing' : 'things'} to know`,
    hidden === 0 ? [] : `${hidden} more`,
  ];
  return parts.flat().join(', ');
}

/** A message of more notices than this quotes less of each, so that a chat takes it whole. */
const FEW = 3;
/** Precedents, and flags, that a message shows of one request. */
const SHOWN = 8;

function itemOf(notice: Notice, links: Links, longest: number): Item {
  const { subject, sinceMs, request, kind } = notice;
  const { words, durationMs, stage, escalatesAtMs, endsAtMs, requester, beneficiary } = subject;
  const facts = [
    `request ${nameOf(request)}, asked by ${nameOf(requester)} for ${nameOf(beneficiary)}${durationMs === undefined ? '' : `, ${span(durationMs)}`}`,
    ...(subject.notBeforeMs === undefined
      ? []
      : [`access begins at ${utc(subject.notBeforeMs)} at the earliest`]),
    ...(subject.emergency ? [`an emergency request${conditionOf(subject.review)}`] : []),
    ...(subject.review === undefined ? [] : reviewFacts(subject.review, (text) => quotable(text, longest))),
    ...(subject.decision === undefined ? [] : [decisionIn(subject.decision)]),
    `since ${utc(sinceMs)}${stage === undefined ? '' : `, stage ${nameOf(stage)}`}`,
    ...(subject.quorum === undefined ? [] : [quorumFact(subject.quorum)]),
    ...(escalatesAtMs === undefined ? [] : [`goes to governance at ${utc(escalatesAtMs)}`]),
    ...(endsAtMs === undefined ? [] : [`${ENDS[kind]} ${utc(endsAtMs)}`]),
    `digest ${nameOf(subject.digest)}`,
  ];
  const page = pageOf(request, links);
  return {
    headline: headlineOf(notice),
    facts,
    ...(words !== undefined && { quote: quotable(words, longest) }),
    commands: commandsOf(notice),
    ...(page !== undefined && { page }),
  };
}

const conditionOf = (review: ReviewFacts | undefined): string =>
  review?.emergencyCondition === undefined ? '' : `: ${nameOf(review.emergencyCondition)}`;

/** What a page and the command line show before somebody signs: on whose behalf, what it would run, what to look at. */
function reviewFacts(review: ReviewFacts, quoted: (text: string) => string): readonly string[] {
  const { parameters, containment, rollback, ticket, onBehalfOf, precedents, flags } = review;
  return [
    ...(onBehalfOf.length === 0 ? [] : [`on behalf of ${onBehalfOf.map(nameOf).join(', ')}`]),
    ...(ticket === undefined ? [] : [`ticket "${quoted(ticket)}"`]),
    ...(parameters === undefined ? [] : [`runs once: "${quoted(sayCall(parameters))}"`]),
    ...(parameters === undefined ? [] : [`to contain it: ${planOf(containment, quoted)}`]),
    ...(parameters === undefined ? [] : [`to roll it back: ${planOf(rollback, quoted)}`]),
    ...flags.slice(0, SHOWN).map((flag) => `look closer: "${quoted(flag)}"`),
    ...precedents.slice(0, SHOWN).map((one) => `before: "${quoted(sayPrecedent(one))}"`),
    ...sayHidden('to look at', flags),
    ...sayHidden('before it', precedents),
  ];
}

const sayHidden = (what: string, all: readonly unknown[]): readonly string[] =>
  all.length > SHOWN ? [`${all.length - SHOWN} more ${what}: read the request`] : [];

const planOf = (plan: string | undefined, quoted: (text: string) => string): string =>
  plan === undefined ? 'nothing was said' : `"${quoted(plan)}"`;

const quorumFact = (quorum: Quorum): string => sayQuorum({ ...quorum, missing: quorum.missing.map(nameOf) });

/** Who decided, when and why. The words are those of a person, with nothing left that could be clicked. */
function decisionIn({ verb, by, atMs, reasonCode, ticket, comment, offer }: CountedStatement): string {
  const why = [
    ...(reasonCode === undefined ? [] : [`reason ${nameOf(reasonCode)}`]),
    ...(ticket === undefined ? [] : [`ticket ${nameOf(ticket)}`]),
    ...(comment === undefined ? [] : [`they wrote "${quotable(comment)}"`]),
    ...(offer === undefined ? [] : [`would say yes to ${quotable(offer)}`]),
  ];
  const what = verb === 'cancel' ? 'cancelled' : 'denied';
  return [`${what} by ${nameOf(by)} at ${utc(atMs)}`, ...why].join(', ');
}

const ENDS: Readonly<Record<Notice['kind'], string>> = {
  awaiting: 'ends unanswered at',
  reminder: 'ends unanswered at',
  closing: 'ends unanswered at',
  stalled: 'ends unanswered at',
  endorse: 'ends unanswered at',
  decided: 'ends at',
  ending: 'ends at',
  review: 'due by',
  'review-overdue': 'was due by',
};

function headlineOf({ kind, subject: { entitlement, verb, decided } }: Notice): string {
  const what = nameOf(entitlement);
  const word = verb === 'confirm' ? 'confirmation' : 'decision';
  switch (kind) {
    case 'awaiting':
      return `your ${word} is awaited: ${what}`;
    case 'reminder':
      return `your ${word} is still awaited: ${what}`;
    case 'closing':
      return `your ${word} is awaited, and the request will soon end unanswered: ${what}`;
    case 'stalled':
      return `nobody has answered, governance may step in: ${what}`;
    case 'endorse':
      return `a change of the approval path awaits a second governor: ${what}`;
    case 'decided':
      return `${decided === undefined ? 'decided' : DECIDED[decided]}: ${what}`;
    case 'ending':
      return `access is about to end: ${what}`;
    case 'review':
      return `your review is owed: ${what}`;
    case 'review-overdue':
      return `your review is overdue: ${what}`;
  }
}

const STATEMENT_ID = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;
const REQUEST_ID = /^[A-Za-z0-9][A-Za-z0-9_-]{7,63}$/;

/** Returns the commands to type. Returns none if an id is malformed, because people paste commands into a shell. */
function commandsOf({ request, person, subject: { verb, endorses } }: Notice): readonly string[] {
  if (!REQUEST_ID.test(request) || !isPrincipalId(person)) return [];
  const show = `countersign request show ${request}`;
  switch (verb) {
    case 'approve':
      return [
        show,
        `countersign approve ${request} --as ${person}`,
        `countersign deny ${request} --as ${person} --comment WHY`,
      ];
    case 'review':
      return [show, `countersign review ${request} --as ${person} --verdict VERDICT`];
    case 'reroute':
      return [show, 'countersign reroute --help'];
    case 'confirm':
      return [show, `countersign confirm ${request} --as ${person}`];
    case 'endorse':
      return STATEMENT_ID.test(endorses ?? '')
        ? [show, `countersign endorse ${request} --as ${person} --endorses ${endorses}`]
        : [show];
    default:
      return [show];
  }
}

function pageOf(request: string, { request: template }: Links): string | undefined {
  if (template === undefined || !REQUEST_ID.test(request)) return undefined;
  return template.replaceAll('{id}', encodeURIComponent(request));
}

const utc = (atMs: number): string => `${new Date(atMs).toISOString().slice(0, 16).replace('T', ' ')} UTC`;

function span(ms: number): string {
  const minutes = Math.ceil(ms / 60_000);
  return minutes < 120 ? `${minutes} minutes` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
