import { isPrincipalId } from '../domain/principal';
import { type DecidedHow, type Message, NOTICES_IN_A_MESSAGE, type Notice } from './notice';
import { nameOf, quotable } from './words';

/** A notice in sentences, before a medium has them. Nothing in it is a link, a mention or a line break any more. */
export interface Item {
  readonly headline: string;
  /** What has to be known of it, in order. */
  readonly facts: readonly string[];
  /** The requester's own words, already without anything that could be clicked. */
  readonly quote?: string;
  /** Commands, exactly as they are typed. */
  readonly commands: readonly string[];
  /** The page where it is shown. It lets nobody in and approves nothing. */
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
  /** Address of a page about one request, with `{id}` in the place of the request's id. */
  readonly request?: string;
}

/** Says a message in sentences. */
export function letterOf(message: Message, links: Links = {}): Letter {
  const { notices, more } = message;
  const shown = notices.slice(0, NOTICES_IN_A_MESSAGE);
  const items = shown.map((notice) => itemOf(notice, links));
  const hidden = more + notices.length - shown.length;
  const [first] = items;
  const count = items.length + hidden;
  const subject =
    count === 0
      ? 'a test message; there is nothing to do'
      : count === 1 && first !== undefined
        ? first.headline
        : `${count} things for you to know`;
  return { subject: `Countersign: ${subject}`, items, more: hidden, closing: CLOSING };
}

function itemOf(notice: Notice, links: Links): Item {
  const { subject, sinceMs, request, kind } = notice;
  const { words, durationMs, stage, escalatesAtMs, endsAtMs, requester, beneficiary } = subject;
  const facts = [
    `request ${nameOf(request)}, asked by ${nameOf(requester)} for ${nameOf(beneficiary)}${durationMs === undefined ? '' : `, ${span(durationMs)}`}`,
    ...(subject.emergency ? ['an emergency request'] : []),
    `since ${utc(sinceMs)}${stage === undefined ? '' : `, stage ${nameOf(stage)}`}`,
    ...(escalatesAtMs === undefined ? [] : [`goes to governance at ${utc(escalatesAtMs)}`]),
    ...(endsAtMs === undefined ? [] : [`${ENDS[kind]} ${utc(endsAtMs)}`]),
    `digest ${nameOf(subject.digest)}`,
  ];
  const page = pageOf(request, links);
  return {
    headline: headlineOf(notice),
    facts,
    ...(words !== undefined && { quote: quotable(words) }),
    commands: commandsOf(notice),
    ...(page !== undefined && { page }),
  };
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

/** What to type. Nothing where an id is not one: a command is copied into a shell. */
function commandsOf({ request, person, subject: { verb, endorses } }: Notice): readonly string[] {
  if (!REQUEST_ID.test(request) || !isPrincipalId(person)) return [];
  const show = `countersign request show ${request}`;
  switch (verb) {
    case 'approve':
      return [
        show,
        `countersign approve ${request} --as ${person}`,
        `countersign deny ${request} --as ${person}`,
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
