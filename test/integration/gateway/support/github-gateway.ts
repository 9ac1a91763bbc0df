import { createHmac, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { FakeGithub, type FakeRun, type TakenAnswer } from '../../../support/github/fake-github';
import { ruleMessage } from '../../../support/github/schemas';
import { eventually } from '../../../support/harness-wait';
import type { Answer } from './http';
import { RequestGateway } from './request-gateway';

type Json = Record<string, unknown>;

const APP = 'Iv23liAbCdEf';
const SECRET = 'the secret of the webhook of the tests';
export const REPOSITORY = 'acme/payments';
export const REPOSITORY_ID = 649_351_211;
export const INSTALLATION = 4_711;

/** The environments of the tests: one whose access policy permits, one that people decide, and one that is an exact action. */
const DEPLOYMENTS = [
  { environment: 'staging', as: 'agent/atlas', entitlement: 'warehouse:reporting#read', for: '15m' },
  { environment: 'production', as: 'ci/payments', entitlement: 'warehouse:payments#write', for: '15m' },
  {
    environment: 'vault',
    as: 'ci/payments',
    entitlement: 'changes:payments-secrets#rotate',
    for: '1h',
    action: {
      tool: 'github-deployment',
      version: '1',
      target: 'payments-secrets',
      containment: 'Stop the run.',
      rollback: 'Deploy the commit before it.',
    },
  },
].map((one) => ({ ...one, repository: REPOSITORY, repositoryId: REPOSITORY_ID, installation: INSTALLATION }));

/** What a run deploys. */
export interface Deploys {
  readonly run: number;
  readonly environment: string;
  readonly commit?: string;
  readonly deployment?: number;
}

/** A gateway that answers a deployment protection rule of a GitHub that the tests play. */
export class GithubGateway {
  #numbers = 1_000;

  private constructor(
    readonly gateway: RequestGateway,
    readonly github: FakeGithub,
    private readonly folder: string,
  ) {}

  static async start(): Promise<GithubGateway> {
    const github = await FakeGithub.start(APP, REPOSITORY);
    const folder = mkdtempSync(path.join(tmpdir(), 'countersign-github-'));
    const keyFile = path.join(folder, 'app.pem');
    const webhookSecretFile = path.join(folder, 'webhook.secret');
    writeFileSync(keyFile, github.privateKey, { mode: 0o600 });
    writeFileSync(webhookSecretFile, SECRET, { mode: 0o600 });
    const gateway = await RequestGateway.start(() => ({
      github: { app: APP, keyFile, webhookSecretFile, apiUrl: github.url, deployments: DEPLOYMENTS },
    }));
    return new GithubGateway(gateway, github, folder);
  }

  async stop(): Promise<void> {
    await this.gateway.stop();
    await this.github.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  next(): number {
    this.#numbers += 1;
    return this.#numbers;
  }

  /**
   * Has GitHub ask about an environment of a run. A run that asks about the same environment anew was started again. Returns the message that
   * GitHub sends.
   */
  begin(
    { run, environment, commit = 'c'.repeat(40), deployment = this.next() }: Deploys,
    { deployment: changed, ...over }: Json = {},
  ): Json {
    const createdAtMs = Date.now();
    const known = this.github.runs.get(run);
    const deployments: FakeRun['deployments'] = known?.deployments ?? new Map();
    const isSameAttempt = ![...deployments.values()].some((one) => one.environment === environment);
    const startedAtMs =
      known !== undefined && isSameAttempt ? known.startedAtMs : Math.floor(createdAtMs / 1_000) * 1_000;
    deployments.set(deployment, { sha: commit, environment, createdAtMs });
    this.github.runs.set(run, { status: 'waiting', startedAtMs, repository: REPOSITORY_ID, deployments });
    return ruleMessage({
      environment,
      event: 'push',
      deployment_callback_url: `${this.github.url}/repos/${REPOSITORY}/actions/runs/${run}/deployment_protection_rule`,
      deployment: {
        id: deployment,
        sha: commit,
        environment,
        created_at: new Date(createdAtMs).toISOString(),
        ...(typeof changed === 'object' && changed),
      },
      repository: { id: REPOSITORY_ID, full_name: REPOSITORY },
      installation: { id: INSTALLATION, node_id: 'x' },
      ...over,
    });
  }

  deliver(message: Json, delivery: string = randomUUID(), secret = SECRET): Promise<Answer> {
    const raw = JSON.stringify(message);
    const headers = {
      'content-type': 'application/json',
      'x-github-event': 'deployment_protection_rule',
      'x-github-delivery': delivery,
      'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update(raw).digest('hex')}`,
    };
    return this.gateway.web.call('/v1/github/webhook', { raw, headers });
  }

  /** Delivers, and returns the id of the request that is asked. */
  async asked(message: Json): Promise<string> {
    const { status, json } = await this.deliver(message);
    if (status !== 200 || typeof json.request !== 'string')
      throw new Error(`${status}: ${JSON.stringify(json)}`);
    return json.request;
  }

  answersTo(run: number): readonly TakenAnswer[] {
    return this.github.answers.filter((one) => one.run === run);
  }

  answerTo(run: number): Promise<TakenAnswer> {
    return eventually(`an answer to run ${run}`, async () => this.answersTo(run)[0]);
  }

  async statusOf(id: string): Promise<string> {
    return (await this.gateway.harness.client.get(id)).status;
  }
}
