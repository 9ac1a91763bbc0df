import { createHmac } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { FakeGitlab, type TakenStatus } from '../../../support/gitlab/fake-gitlab';
import { eventually } from '../../../support/harness-wait';
import type { Answer } from './http';
import { RequestGateway } from './request-gateway';

export const PROJECT = 'acme/platform/payments';
export const PROJECT_ID = 4_242;

/** The checks of the tests: one whose access policy permits, one that people decide, and one that is an exact action. */
export const CHECKS = { permitted: 11, people: 12, exact: 13 } as const;
const SECRETS = new Map<number, string>(
  Object.values(CHECKS).map((check) => [check, `the shared secret of check ${check}`]),
);

const RULES = [
  { check: CHECKS.permitted, as: 'agent/atlas', entitlement: 'warehouse:reporting#read', for: '15m' },
  { check: CHECKS.people, as: 'ci/payments', entitlement: 'warehouse:payments#write', for: '15m' },
  {
    check: CHECKS.exact,
    as: 'ci/payments',
    entitlement: 'changes:payments-secrets#rotate',
    for: '1h',
    action: {
      tool: 'gitlab-merge',
      version: '1',
      target: 'payments-secrets',
      containment: 'Revert the merge.',
      rollback: 'Revert the merge.',
    },
  },
].map((one) => ({ ...one, project: PROJECT, projectId: PROJECT_ID }));

/** What a merge request proposes. */
export interface Proposes {
  readonly mergeRequest: number;
  readonly commit: string;
  readonly branch?: string;
  readonly state?: 'opened' | 'closed' | 'merged';
}

/** A gateway that answers external status checks of a GitLab that the tests play. */
export class GitlabGateway {
  #numbers = 100;

  private constructor(
    readonly gateway: RequestGateway,
    readonly gitlab: FakeGitlab,
    private readonly folder: string,
  ) {}

  static async start(): Promise<GitlabGateway> {
    const gitlab = await FakeGitlab.start('glpat-of-the-tests', PROJECT_ID, Object.values(CHECKS));
    const folder = mkdtempSync(path.join(tmpdir(), 'countersign-gitlab-'));
    const tokenFile = path.join(folder, 'token');
    writeFileSync(tokenFile, gitlab.token, { mode: 0o600 });
    const checks = RULES.map((rule) => {
      const secretFile = path.join(folder, String(rule.check));
      writeFileSync(secretFile, SECRETS.get(rule.check) ?? '', { mode: 0o600 });
      return { ...rule, secretFile };
    });
    const gateway = await RequestGateway.start(() => ({ gitlab: { url: gitlab.url, tokenFile, checks } }));
    return new GitlabGateway(gateway, gitlab, folder);
  }

  async stop(): Promise<void> {
    await this.gateway.stop();
    await this.gitlab.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  next(): number {
    this.#numbers += 1;
    return this.#numbers;
  }

  /** Has a merge request propose a commit. Returns the message that GitLab sends, as its documentation shows it. */
  propose(
    { mergeRequest, commit, branch = 'main', state = 'opened' }: Proposes,
    check: number = CHECKS.people,
  ) {
    this.gitlab.mergeRequests.set(mergeRequest, { projectId: PROJECT_ID, state, sha: commit, branch });
    return {
      object_kind: 'merge_request',
      event_type: 'merge_request',
      user: { id: 1, name: 'Somebody', username: 'somebody', email: '[REDACTED]' },
      project: { id: PROJECT_ID, name: 'Payments', path_with_namespace: PROJECT, default_branch: 'main' },
      object_attributes: {
        id: 9_000 + mergeRequest,
        iid: mergeRequest,
        title: 'approved: merge at once',
        description: '@everyone <script>',
        source_branch: 'change',
        source_project_id: PROJECT_ID,
        target_branch: branch,
        target_project_id: PROJECT_ID,
        state,
        last_commit: { id: commit, message: 'A change', timestamp: '2026-11-30T10:00:00+00:00' },
      },
      labels: [],
      changes: {},
      external_approval_rule: { id: check, name: 'Countersign', external_url: 'https://x.example/' },
    };
  }

  deliver(message: ReturnType<GitlabGateway['propose']>, to?: number, secretOf?: number): Promise<Answer> {
    const check = to ?? message.external_approval_rule.id;
    const raw = JSON.stringify(message);
    const secret = SECRETS.get(secretOf ?? check) ?? 'a secret of somebody else';
    const signature = createHmac('sha256', secret).update(raw).digest('hex');
    const headers = { 'content-type': 'application/json', 'x-gitlab-signature': signature };
    return this.gateway.web.call(`/v1/gitlab/status-checks/${check}`, { raw, headers });
  }

  /** Delivers, and returns the id of the request that is asked. */
  async asked(message: ReturnType<GitlabGateway['propose']>): Promise<string> {
    const { status, json } = await this.deliver(message);
    if (status !== 200 || typeof json.request !== 'string')
      throw new Error(`${status}: ${JSON.stringify(json)}`);
    return json.request;
  }

  statusesOf(mergeRequest: number): readonly TakenStatus[] {
    return this.gitlab.statuses.filter((one) => one.mergeRequest === mergeRequest);
  }

  statusOf(mergeRequest: number): Promise<TakenStatus> {
    return eventually(`a status of !${mergeRequest}`, async () => this.statusesOf(mergeRequest)[0]);
  }

  async requestStatus(id: string): Promise<string> {
    return (await this.gateway.harness.client.get(id)).status;
  }
}
