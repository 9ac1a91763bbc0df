import type { RequestStanding } from '../enforcement';
import type { NotMade } from './answers';

/** Tells a model that its call waits for people. */
export function explainWaiting(
  request: string,
  page: string,
  standing: RequestStanding | undefined,
): NotMade {
  const { quorum, awaiting = [], policy } = standing ?? {};
  const people = quorum?.missing ?? awaiting;
  const whom =
    people.length === 0
      ? 'It waits to be assessed.'
      : `It waits for ${people.join(', ')}${quorum === undefined ? '' : ` (${quorum.has} of ${quorum.needs} have approved)`}.`;
  return {
    code: 'APPROVAL_NEEDED',
    text: [
      'The call was not made yet.',
      ...(policy === undefined ? [] : [`${sentence(policy.explanation)}`]),
      whom,
      `They decide at ${page}. Call this tool again with exactly the same arguments to wait on; it runs once, when it is approved. Other arguments are another request.`,
    ].join(' '),
    request,
    page,
  };
}

/** Tells a model why a call that was proposed will not be made, or will not be made again. */
export function explainEnd(request: string, page: string, standing: RequestStanding, hint: string): NotMade {
  const { status, execution, policy, safe_way: safeWay, failure, decisions = [] } = standing;
  const about = { request, page };
  const outcome = execution?.outcome;
  if (outcome === 'succeeded' || outcome === 'failed')
    return {
      code: outcome === 'succeeded' ? 'ALREADY_RUN' : 'ALREADY_FAILED',
      text: `Exactly this call was ${outcome === 'succeeded' ? 'carried out once already' : 'tried once already, and nothing was done'}; it was not made again. ${hint}`,
      ...about,
    };
  if (outcome === 'redeemed' || outcome === 'unknown')
    return {
      code: 'OUTCOME_UNKNOWN',
      text: `Exactly this call was begun once already, and whether it was carried out is not known; it was not made again. Look at what it acts on first. ${hint}`,
      ...about,
    };
  if (status === 'refused' || status === 'hard_stopped') {
    const code = policy?.reason_codes[0] ?? failure?.code ?? 'REFUSED';
    const why = policy?.explanation ?? failure?.detail ?? 'it was refused';
    return { code, text: `The call was not made: ${why}. ${wayOutOf(code, safeWay)}`, ...about };
  }
  if (status === 'denied') {
    const said = decisions.findLast(({ verb }) => verb === 'deny');
    const by =
      said === undefined ? '' : ` by ${said.by}${said.comment === undefined ? '' : `: "${said.comment}"`}`;
    return {
      code: 'DENIED',
      text: `The call was not made: it was denied${by}. Do not ask again in other words.`,
      ...about,
    };
  }
  return {
    code: ENDS[status] ?? 'ENDED',
    text: `The call was not made: ${failure?.detail ?? `its request is ${status}`}. ${hint}`,
    ...about,
  };
}

const ENDS: Readonly<Record<string, string>> = {
  lapsed: 'NOBODY_ANSWERED',
  cancelled: 'CANCELLED',
  withdrawn: 'WITHDRAWN',
  failed: 'FAILED',
  expired: 'APPROVAL_EXPIRED',
};

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;

const WAYS_OUT: Readonly<Record<string, string>> = {
  ARGUMENTS_NOT_AS_DECLARED: 'Correct the arguments.',
  ASKED_TOO_OFTEN:
    'Nobody was asked. Call again later with exactly the same arguments, when some of what waits has been decided. Other arguments do not help.',
};

/** What to do in place of something that was refused with this code. */
export const wayOutOf = (code: string, safeWay: string | undefined): string =>
  safeWay === undefined
    ? (WAYS_OUT[code] ?? 'Do not try it in another way; ask the people you work for.')
    : `The safe way: ${safeWay}`;
