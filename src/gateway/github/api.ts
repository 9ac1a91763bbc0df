import { createPrivateKey, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { SignJWT } from 'jose';
import { z } from 'zod';
import { boundedBody } from '../../outbound/answer';
import { BoundedMap } from '../../signing/seen';
import type { Reply } from '../questions/reply';
import type { GithubConfig } from './config';
import type { Question } from './question';
import { refusedByResponse } from './response';

/** GitHub refuses App tokens that live longer than ten minutes, or that its clock takes for future ones. */
const APP_TOKEN_SECONDS = 540;
const SKEW_SECONDS = 30;
/** An installation's token is renewed this long before it ends. */
const RENEW_BEFORE_MS = 300_000;
const ANSWER_WITHIN_MS = 10_000;
const ANSWER_BYTES = 256 * 1024;
const VERSION = '2022-11-28';

const tokenSchema = z.object({ token: z.string().min(1).max(1_024), expires_at: z.iso.datetime() });
const runSchema = z.object({
  id: z.int(),
  status: z.string().nullable(),
  run_started_at: z.iso.datetime(),
  repository: z.object({ id: z.int() }),
});
const deploymentSchema = z.object({
  id: z.int(),
  sha: z.string(),
  environment: z.string(),
  created_at: z.iso.datetime(),
});

/** What GitHub says now of the run and the deployment of a question. */
export interface DeploymentStanding {
  readonly run: z.output<typeof runSchema>;
  readonly deployment: z.output<typeof deploymentSchema>;
}

/** Calls GitHub's API as an installation of the App. Addresses are made here, from the settings and checked names and numbers. */
export class GithubApi {
  readonly #tokens = new BoundedMap<{ readonly token: string; readonly untilMs: number }>(1_000);

  /** @throws Error (one line) if the App's key cannot be used */
  constructor(
    private readonly config: GithubConfig,
    private readonly nowMs: () => number,
  ) {
    if (this.#key() === undefined)
      throw new Error(`${config.keyFile}: is not a private key of a GitHub App (an RSA key in PEM)`);
  }

  /** Returns how the run and the deployment stand, or why GitHub does not say. */
  async standing(question: Question): Promise<Reply<DeploymentStanding>> {
    const run = await this.#get(question, `/actions/runs/${question.run}`, runSchema);
    if (!run.ok) return run;
    const deployment = await this.#get(question, `/deployments/${question.deployment}`, deploymentSchema);
    if (!deployment.ok) return deployment;
    return { ok: true, value: { run: run.value, deployment: deployment.value } };
  }

  /** Answers a question. */
  async answer(question: Question, state: 'approved' | 'rejected', comment: string): Promise<Reply<'taken'>> {
    const body = { environment_name: question.environment, state, comment };
    const path = `/actions/runs/${question.run}/deployment_protection_rule`;
    const reply = await this.#call(question, 'POST', path, body);
    return reply.ok ? { ok: true, value: 'taken' } : reply;
  }

  async #get<T>(question: Question, path: string, schema: z.ZodType<T>): Promise<Reply<T>> {
    const reply = await this.#call(question, 'GET', path);
    if (!reply.ok) return reply;
    const read = schema.safeParse(jsonOf(reply.value));
    return read.success
      ? { ok: true, value: read.data }
      : { ok: false, kind: 'later', why: 'its answer cannot be read' };
  }

  async #call(
    question: Question,
    method: 'GET' | 'POST',
    path: string,
    body?: object,
  ): Promise<Reply<string>> {
    const token = await this.#tokenFor(question);
    if (!token.ok) return token;
    const reply = await this.#send(
      method,
      `/repos/${question.repository}${path}`,
      `token ${token.value}`,
      body,
    );
    // The installation may have lost the token, by a change of its rights.
    if (!reply.ok && reply.status === 401) this.#tokens.delete(nameOf(question));
    return reply;
  }

  /** A token of the installation for this one repository, with the two rights that are needed. */
  async #tokenFor(question: Question): Promise<Reply<string>> {
    const known = this.#tokens.get(nameOf(question));
    if (known !== undefined && known.untilMs > this.nowMs()) return { ok: true, value: known.token };
    const key = this.#key();
    if (key === undefined) return { ok: false, kind: 'later', why: "the App's key cannot be read" };
    const seconds = Math.floor(this.nowMs() / 1_000) - SKEW_SECONDS;
    const app = await new SignJWT()
      .setProtectedHeader({ alg: 'RS256' })
      .setIssuer(this.config.app)
      .setIssuedAt(seconds)
      .setExpirationTime(seconds + APP_TOKEN_SECONDS)
      .sign(key);
    const rights = {
      repository_ids: [question.repositoryId],
      permissions: { actions: 'read', deployments: 'write' },
    };
    const path = `/app/installations/${question.installation}/access_tokens`;
    const reply = await this.#send('POST', path, `Bearer ${app}`, rights);
    // A missing installation may come back, so it is not final: only the run's own address says that the run is gone.
    if (!reply.ok) return { ...reply, kind: 'later', why: `no token of the installation: ${reply.why}` };
    const read = tokenSchema.safeParse(jsonOf(reply.value));
    if (!read.success) return { ok: false, kind: 'later', why: 'its token cannot be read' };
    const { token, expires_at: expiresAt } = read.data;
    this.#tokens.set(nameOf(question), { token, untilMs: Date.parse(expiresAt) - RENEW_BEFORE_MS });
    return { ok: true, value: token };
  }

  async #send(
    method: 'GET' | 'POST',
    path: string,
    authorization: string,
    body?: object,
  ): Promise<Reply<string>> {
    try {
      const response = await fetch(`${this.config.apiUrl}${path}`, {
        method,
        redirect: 'error',
        signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
        headers: {
          authorization,
          accept: 'application/vnd.github+json',
          'x-github-api-version': VERSION,
          'user-agent': 'countersign',
          ...(body !== undefined && { 'content-type': 'application/json' }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      const text = (await boundedBody(response, ANSWER_BYTES)).toString('utf8');
      return response.ok ? { ok: true, value: text } : refusedByResponse(response, this.nowMs());
    } catch {
      return { ok: false, kind: 'later', why: 'GitHub cannot be reached' };
    }
  }

  /** Read anew each time, so that the key can be replaced. */
  #key(): KeyObject | undefined {
    try {
      const key = createPrivateKey(readFileSync(this.config.keyFile, 'utf8'));
      return key.asymmetricKeyType === 'rsa' ? key : undefined;
    } catch {
      return undefined;
    }
  }
}

const nameOf = ({ installation, repositoryId }: Question): string => `${installation} ${repositoryId}`;

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
