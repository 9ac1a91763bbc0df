import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { boundedBody } from '../../outbound/answer';
import { type Reply, refusedBy } from '../questions/reply';
import type { GitlabConfig } from './config';
import type { Question } from './question';

const ANSWER_WITHIN_MS = 10_000;
const ANSWER_BYTES = 1024 * 1024;
/** There is no such merge request or check any more, or the commit is not its newest. */
const GONE = [400, 404, 409, 410, 422];

const mergeRequestSchema = z.object({
  iid: z.int(),
  project_id: z.int(),
  state: z.string(),
  sha: z.string().nullable(),
  target_branch: z.string(),
});
export type MergeRequest = z.output<typeof mergeRequestSchema>;

/** Returns why a question is no longer GitLab's, or undefined if it still is: same project, commit and branch, and not yet merged. */
export function whyStale(now: MergeRequest, question: Question): string | undefined {
  if (now.project_id !== question.projectId || now.iid !== question.mergeRequest)
    return 'GitLab answers about another merge request';
  if (now.state !== 'opened') return 'the merge request is not open';
  if (now.sha !== question.commit) return 'the merge request has another commit';
  if (now.target_branch !== question.branch) return 'the merge request is for another branch';
  return undefined;
}

/** The two calls of GitLab's API. Addresses are made here, from the settings and checked numbers. */
export class GitlabApi {
  /** @throws Error (one line) if the token cannot be used */
  constructor(
    private readonly config: Pick<GitlabConfig, 'url' | 'tokenFile'>,
    private readonly nowMs: () => number,
  ) {
    if (this.#token() === undefined) throw new Error(`${config.tokenFile}: holds no token of GitLab`);
  }

  /** Returns how the merge request stands, or why GitLab does not say. */
  async standing({ projectId, mergeRequest }: Question): Promise<Reply<MergeRequest>> {
    const reply = await this.#call('GET', `/projects/${projectId}/merge_requests/${mergeRequest}`);
    if (!reply.ok) return reply;
    const read = mergeRequestSchema.safeParse(jsonOf(reply.value));
    return read.success
      ? { ok: true, value: read.data }
      : { ok: false, kind: 'later', why: 'its answer cannot be read' };
  }

  /** Answers a question. GitLab takes the answer only if the commit is the newest of the merge request. */
  async answer(
    { projectId, mergeRequest, commit, check }: Question,
    state: 'approved' | 'rejected',
  ): Promise<Reply<'taken'>> {
    const status = state === 'approved' ? 'passed' : 'failed';
    const body = { sha: commit, external_status_check_id: check, status };
    const path = `/projects/${projectId}/merge_requests/${mergeRequest}/status_check_responses`;
    const reply = await this.#call('POST', path, body);
    return reply.ok ? { ok: true, value: 'taken' } : reply;
  }

  async #call(method: 'GET' | 'POST', path: string, body?: object): Promise<Reply<string>> {
    const token = this.#token();
    if (token === undefined) return { ok: false, kind: 'later', why: 'the token cannot be read' };
    try {
      const response = await fetch(`${this.config.url}/api/v4${path}`, {
        method,
        redirect: 'error',
        signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
        headers: {
          'private-token': token,
          accept: 'application/json',
          'user-agent': 'countersign',
          ...(body !== undefined && { 'content-type': 'application/json' }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      const text = (await boundedBody(response, ANSWER_BYTES)).toString('utf8');
      if (response.ok) return { ok: true, value: text };
      return refusedBy(response, { name: 'GitLab', gone: GONE, nowMs: this.nowMs() });
    } catch {
      return { ok: false, kind: 'later', why: 'GitLab cannot be reached' };
    }
  }

  /** Read anew each time, so that the token can be replaced. */
  #token(): string | undefined {
    try {
      const token = readFileSync(this.config.tokenFile, 'utf8').trim();
      return /^[\x21-\x7e]{1,1000}$/.test(token) ? token : undefined;
    } catch {
      return undefined;
    }
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
