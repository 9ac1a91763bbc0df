import type { ApproverFigures } from '../../friction/approver';
import type { Figures } from '../../friction/figures';
import { saySpan } from '../../friction/say';
import type { Finding } from '../../friction/signals';
import { DIMENSIONS, type Dimension, type FrictionFigures, type NamedFigures } from '../../friction/tally';
import { printable } from '../output';
import { table } from '../table';
import { PLAIN, type Terminal } from '../terminal';

const TITLES: Readonly<Record<Dimension, string>> = {
  entitlement: 'ENTITLEMENT',
  path: 'PATH',
  team: 'TEAM',
  identity: 'IDENTITY',
};

interface Shown {
  /** Rows of each table. */
  readonly top: number;
  readonly terminal?: Terminal;
}

/** Figures as a manager reads them: the whole in sentences, the parts in tables, what stands out at the end. */
export function* renderFriction(
  figures: FrictionFigures,
  findings: readonly Finding[],
  span: { readonly fromMs: number; readonly toMs: number },
  { top, terminal = PLAIN }: Shown,
): Generator<string> {
  const { total } = figures;
  yield `${total.requests} requests from ${day(span.fromMs)} to ${day(span.toMs)}`;
  if (figures.unreadable > 0) yield `${figures.unreadable} more could not be read as requests`;
  yield* sentences(total);
  for (const dimension of DIMENSIONS)
    yield* groups(TITLES[dimension], figures.by[dimension], { top, terminal });
  yield* approvers(figures.approvers, { top, terminal });
  if (!figures.complete) yield 'There were more names than are kept apart; the rest stands under (others).';
  yield* renderFindings(findings);
}

function* sentences(total: Figures): Generator<string> {
  const { requests, byPolicy, outcomes } = total;
  yield `  decided by policy alone: ${part(byPolicy, requests)}; waiting for a decision: ${wait(total)}`;
  yield `  granted ${outcomes.granted}, denied by people ${outcomes.denied}, stopped by policy ${outcomes.stopped}, never answered ${outcomes.lapsed}, still open ${outcomes.open}`;
  yield `  asked again for the same: ${total.repeats}; emergencies: ${percent(total.emergencyShare)}; rerouted, of what people decide: ${percent(total.rerouteShare)}`;
  yield `  prompts: ${total.prompts}, which is ${oneDigit(total.promptsPerPersonHour)} for a person in an hour in which they are asked at all`;
  yield `  approvals: ${total.approvals}, which is ${oneDigit(total.approvalsPerPersonHour)} for a person in an hour in which they approve at all; from prompt to approval: ${answer(total)}; sooner than anyone could read: ${percent(total.hardlyReadShare)}`;
  yield `  access found on targets without a request: ${total.drift}`;
}

const HEAD = [
  'REQUESTS',
  'WAIT P50',
  'WAIT P90',
  'PROMPTS',
  'AN HOUR',
  'DENIED',
  'AGAIN',
  'LAPSED',
  'EMERGENCY',
  'REROUTED',
  'APPROVALS',
  'ANSWER P50',
  'DRIFT',
];

function* groups(title: string, all: readonly NamedFigures[], { top, terminal }: Shown): Generator<string> {
  if (all.length === 0) return;
  yield '';
  yield* table([[title, ...HEAD], ...all.slice(0, top).map(rowOf)], {
    numbers: true,
    shortens: [0],
    ...(terminal && { terminal }),
  });
  yield* left(all.length - top);
}

const rowOf = (one: NamedFigures): readonly string[] => [
  one.name,
  String(one.requests),
  span(one.decisionP50Ms),
  span(one.decisionP90Ms),
  String(one.prompts),
  oneDigit(one.promptsPerPersonHour),
  String(one.denials),
  String(one.repeats),
  String(one.lapsed),
  percent(one.emergencyShare),
  percent(one.rerouteShare),
  String(one.approvals),
  span(one.approvalP50Ms),
  String(one.drift),
];

function* approvers(all: readonly ApproverFigures[], { top, terminal }: Shown): Generator<string> {
  if (all.length === 0) return;
  yield '';
  const head = [
    'APPROVER',
    'PROMPTS',
    'AN HOUR',
    'BUSIEST HOUR',
    'APPROVED',
    'AN HOUR',
    'MOST',
    'DENIED',
    'ANSWER P50',
    'ANSWER P90',
    'UNREAD',
  ];
  const rows = all
    .slice(0, top)
    .map((one) => [
      one.person,
      String(one.prompts),
      oneDigit(one.promptsPerHour),
      String(one.busiestHour.prompts),
      String(one.approvals),
      oneDigit(one.approvalsPerHour),
      String(one.mostApprovalsInAnHour),
      String(one.denials),
      span(one.approvalP50Ms),
      span(one.approvalP90Ms),
      percent(one.hardlyReadShare),
    ]);
  yield* table([head, ...rows], { numbers: true, shortens: [0], ...(terminal && { terminal }) });
  yield* left(all.length - top);
}

function* left(more: number): Generator<string> {
  if (more > 0) yield `  and ${more} more (--top, or --json for all)`;
}

function* renderFindings(findings: readonly Finding[]): Generator<string> {
  yield '';
  if (findings.length === 0) {
    yield 'Nothing stands out that should be redesigned.';
    return;
  }
  yield 'WHAT SHOULD BE REDESIGNED';
  for (const [index, finding] of findings.entries()) {
    yield printable(`${index + 1}. ${finding.signal}: ${finding.subject}`);
    yield printable(`   ${finding.summary}`);
    const evidence = Object.entries(finding.evidence).map(([name, value]) => `${name} ${value}`);
    yield printable(`   evidence: ${evidence.join('; ')}`);
    yield printable(`   proposal: ${finding.proposal}`);
    const { change } = finding;
    if (change === undefined) continue;
    yield '   add to a .cedar file of a copy of the bundle:';
    yield* indented(change.add);
    yield printable(
      `   and before the ";" of ${change.exempt.policies.join(', ') || 'the policies that hold now'}:`,
    );
    yield* indented(change.exempt.clause);
    if (change.leftOut !== undefined)
      yield `   this names 16 identities; for ${change.leftOut} more the same holds, and for them all goes on as today`;
    yield `   then see what it would have decided otherwise: ${change.preview}`;
  }
}

const indented = (text: string): readonly string[] =>
  text.split('\n').map((line) => printable(`      ${line}`));
const day = (atMs: number): string => new Date(atMs).toISOString().slice(0, 10);
const percent = (share: number): string => `${Math.round(share * 100)}%`;
const part = (some: number, all: number): string => percent(all === 0 ? 0 : some / all);
const oneDigit = (value: number): string => (Math.round(value * 10) / 10).toFixed(1);
const span = (ms: number | undefined): string => (ms === undefined ? '-' : saySpan(ms));
const wait = ({ decisionP50Ms, decisionP90Ms }: Figures): string =>
  halfAndTenth(decisionP50Ms, decisionP90Ms);
const answer = ({ approvalP50Ms, approvalP90Ms }: Figures): string =>
  halfAndTenth(approvalP50Ms, approvalP90Ms);

const halfAndTenth = (p50: number | undefined, p90: number | undefined): string =>
  p50 === undefined || p90 === undefined
    ? 'none'
    : `${saySpan(p50)} at the median, over ${saySpan(p90)} for one in ten`;
