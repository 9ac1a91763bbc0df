import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { Environment } from '../../contracts/settings';
import { boundedJson } from '../../outbound/answer';
import { isPrivateOnTheWay } from '../../outbound/inner-address';
import { retryAfterMs } from '../../outbound/retry-after';
import { usageError } from '../output';
import type { CheckReport } from './report';

const NAME = 'Countersign policy preview';
/** Finds our own check run again. Another app's run of this name cannot be changed by our token. */
const EXTERNAL_ID = 'countersign-policy-preview';
const ANSWER_WITHIN_MS = 10_000;
const ANSWER_BYTES = 1024 * 1024;
const TRIES = 4;
const FIRST_PAUSE_MS = 1_000;
/** A job that waits costs money: what GitHub asks for beyond this ends it. */
const LONGEST_PAUSE_MS = 60_000;

const runsSchema = z.object({
  check_runs: z.array(z.object({ id: z.int(), name: z.string(), external_id: z.string().nullable() })),
});

/** Where a report is published: a commit of a repository. */
export interface Place {
  readonly apiUrl: string;
  readonly repository: string;
  readonly commit: string;
  readonly token: string;
  /** Waits before a retry. */
  readonly pause?: (ms: number) => Promise<unknown>;
}

/**
 * Returns where to publish, by the variables that GitHub Actions sets.
 *
 * @throws UserError of wrong usage if one is missing or malformed
 */
export function placeOf(commit: string, env: Environment): Place {
  if (!/^[0-9a-f]{40}([0-9a-f]{24})?$/.test(commit))
    throw usageError('--check-run: give the whole hash of the commit that the check run is on');
  const { GITHUB_REPOSITORY: repository = '', GITHUB_TOKEN: token = '' } = env;
  const apiUrl = (env['GITHUB_API_URL'] ?? 'https://api.github.com').replace(/\/+$/, '');
  if (!/^[\w.-]{1,100}\/[\w.-]{1,100}$/.test(repository) || /(^|\/)\.+(\/|$)/.test(repository))
    throw usageError('--check-run: GITHUB_REPOSITORY has to be owner/name; GitHub Actions sets it');
  if (!isPrivateOnTheWay(apiUrl) || /[?#@]/.test(apiUrl))
    throw usageError('--check-run: GITHUB_API_URL has to be https: it gets the token');
  if (!/^[\x21-\x7e]{1,2000}$/.test(token))
    throw usageError('--check-run: GITHUB_TOKEN has to be a token with the permission checks: write');
  return { apiUrl, repository, commit, token };
}

/**
 * Publishes a report as the check run of a commit. A second one for the same commit takes the place of the first. Returns why it could not,
 * or undefined if it did.
 */
export async function publishCheckRun(report: CheckReport, place: Place): Promise<string | undefined> {
  const runs = `/repos/${place.repository}/check-runs`;
  const { conclusion, title, summary } = report;
  const body = {
    name: NAME,
    external_id: EXTERNAL_ID,
    status: 'completed',
    conclusion,
    output: { title, summary },
  };
  const listed = await call(
    place,
    'GET',
    `/repos/${place.repository}/commits/${place.commit}/check-runs?check_name=${encodeURIComponent(NAME)}&per_page=100`,
  );
  if (!listed.ok) return listed.why;
  const read = runsSchema.safeParse(listed.value);
  const ours = read.data?.check_runs.filter((one) => one.external_id === EXTERNAL_ID && one.name === NAME);
  for (const { id } of ours ?? []) {
    const changed = await call(place, 'PATCH', `${runs}/${id}`, body);
    if (changed.ok) return undefined;
    // Somebody else's app took our name and id. Ours is still to be made.
    if (changed.status !== 403 && changed.status !== 404) return changed.why;
  }
  const made = await call(place, 'POST', runs, { ...body, head_sha: place.commit });
  return made.ok ? undefined : made.why;
}

type Reply =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly why: string; readonly status?: number };

async function call(
  { apiUrl, token, pause = sleep }: Place,
  method: 'GET' | 'POST' | 'PATCH',
  path: string,
  body?: object,
): Promise<Reply> {
  for (let tries = 1; ; tries += 1) {
    const reply = await once(`${apiUrl}${path}`, method, token, body);
    if (reply.ok || reply.pauseMs === undefined || tries === TRIES) return reply;
    if (reply.pauseMs > LONGEST_PAUSE_MS) return { ...reply, why: `${reply.why}, and wants a longer pause` };
    await pause(Math.max(reply.pauseMs, FIRST_PAUSE_MS * 2 ** (tries - 1)));
  }
}

/** Calls once. A failure has `pauseMs` if a retry may help. */
async function once(
  url: string,
  method: string,
  token: string,
  body: object | undefined,
): Promise<Reply & { readonly pauseMs?: number }> {
  try {
    const response = await fetch(url, {
      method,
      redirect: 'error',
      signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
      headers: {
        authorization: `Bearer ${token}`,
        accept: 'application/vnd.github+json',
        'x-github-api-version': '2022-11-28',
        'user-agent': 'countersign',
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const { ok, status, headers } = response;
    if (ok) return { ok, value: await boundedJson(response, ANSWER_BYTES) };
    await response.body?.cancel();
    const asked = retryAfterMs(headers.get('retry-after'), Date.now());
    // GitHub limits rates by 403 as well as by 429.
    const mayHelp = status >= 500 || status === 429 || asked !== undefined;
    return { ok, status, why: `GitHub answered ${status}`, ...(mayHelp && { pauseMs: asked ?? 0 }) };
  } catch {
    return { ok: false, why: 'GitHub cannot be reached', pauseMs: 0 };
  }
}
