import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { Client as PostgresClient } from 'pg';
import { CountersignClient } from '../src/client';
import { requestDigest } from '../src/domain/digest';
import type { AccessRequest } from '../src/domain/request';
import { readKeyFile, type SigningKey } from '../src/signing/keys';
import { signStatement, signSubmission } from '../src/signing/sign';
import { toStderr } from '../src/stack/announce';
import { exampleKeyFile } from '../src/stack/example-bundle';
import { seeded } from './arrivals';
import { taskQueueOf } from './countersign-side';
import type { Ground } from './ground';
import type { PostgresTarget } from './postgres-target';
import type { Side } from './side';
import { median, quantile } from './stats';

/** Milliseconds from a low-risk request to usable access, beside the bare workflow of the same run. */
export interface LowRiskFigures {
  readonly requests: number;
  readonly rounds: number;
  /** Medians, and the ratio of the two. */
  readonly request_to_credential_p50_ms: number;
  readonly bare_start_to_result_p50_ms: number;
  readonly ratio_request_to_credential_p50: number;
  readonly request_to_credential_p90_ms: number;
  readonly bare_start_to_result_p90_ms: number;
  /** Where the time goes, by the same clock: signing, submitting, the answer that it is granted, login and first query. */
  readonly spans_p50_ms: Readonly<Record<Span, number>>;
}

const SPANS = ['signing', 'start', 'granted', 'login'] as const;
type Span = (typeof SPANS)[number];

const AGENT = 'agent/atlas';
const ROLE = 'reporting_read';
const WITHIN_MS = 30_000;
const PAUSE_MS = 150;

/**
 * Runs one of each in turn, so that other work on the machine affects both. Ours begins before the request is signed and
 * ends when a new login, as the account that asked, has read what only the granted role can read.
 */
export async function measureLowRisk(
  ground: Ground,
  requests: number,
  rounds: number,
): Promise<LowRiskFigures> {
  const { client, postgres, stateDir } = ground;
  if (postgres === undefined) throw new Error('a login needs a PostgreSQL server');
  const [bare, target] = [ground.standing('bare'), ground.standing('countersign_postgresql')];
  // As in production: the ledger is asked what went before, and records what is done.
  const withTarget = { ...target, place: { ...target.place, withLedger: true } };
  const key = await readKeyFile(exampleKeyFile(stateDir, AGENT));
  await postgres.query(`CREATE SCHEMA reporting; CREATE TABLE reporting.weekly (sales int);
    INSERT INTO reporting.weekly VALUES (42); GRANT USAGE ON SCHEMA reporting TO ${ROLE};
    GRANT SELECT ON reporting.weekly TO ${ROLE}`);
  const random = seeded(1);
  const ours = new CountersignClient(client, { taskQueue: taskQueueOf('countersign_postgresql') });
  const spans: Record<Span, number>[] = [];
  const floor: number[] = [];
  const takeTurns = async (): Promise<void> => {
    for (let round = 0; round <= rounds; round += 1) {
      toStderr(round === 0 ? 'low risk: warming up' : `low risk: round ${round} of ${rounds}`);
      for (let index = 0; index < (round === 0 ? 20 : requests); index += 1) {
        // Random pauses, so that neither side falls into step with the server.
        await sleep(PAUSE_MS * (0.5 + random()));
        const bareMs = await startToResult(bare.side, client);
        await sleep(PAUSE_MS * (0.5 + random()));
        const taken = await requestToCredential(ours, key, postgres);
        if (round === 0) continue;
        floor.push(bareMs);
        spans.push(taken);
      }
    }
  };
  await ground.withWorkers([bare, withTarget], takeTurns);
  const totals = spans.map((one) => SPANS.reduce((sum, span) => sum + one[span], 0));
  const [p50, bareP50] = [median(totals), median(floor)];
  return {
    requests,
    rounds,
    request_to_credential_p50_ms: p50,
    bare_start_to_result_p50_ms: bareP50,
    ratio_request_to_credential_p50: p50 / bareP50,
    request_to_credential_p90_ms: quantile([...totals].sort(ascending), 0.9),
    bare_start_to_result_p90_ms: quantile([...floor].sort(ascending), 0.9),
    spans_p50_ms: {
      signing: median(spans.map((one) => one.signing)),
      start: median(spans.map((one) => one.start)),
      granted: median(spans.map((one) => one.granted)),
      login: median(spans.map((one) => one.login)),
    },
  };
}

const ascending = (a: number, b: number): number => a - b;

/** Runs one bare workflow: starts it, signals it, and waits for its result. */
async function startToResult(bare: Side, client: Client): Promise<number> {
  const [life] = await bare.prepare(1);
  if (life === undefined) throw new Error('nothing to start');
  const startedMs = performance.now();
  await life.start(client);
  await life.decide(client);
  await client.workflow.getHandle(life.workflowId).result();
  return performance.now() - startedMs;
}

async function requestToCredential(
  client: CountersignClient,
  key: SigningKey,
  postgres: PostgresTarget,
): Promise<Record<Span, number>> {
  const request: AccessRequest = {
    id: randomUUID(),
    kind: 'access',
    requester: AGENT,
    beneficiary: AGENT,
    entitlement: { connector: 'warehouse', resource: 'reporting', action: 'read' },
    durationMs: 600_000,
    emergency: false,
    reason: 'bench',
    onBehalfOf: [],
    submittedAtMs: Date.now(),
  };
  const beganMs = performance.now();
  const submission = await signSubmission(request, key);
  const signedMs = performance.now();
  await client.submit(submission);
  const startedMs = performance.now();
  const { status, lease } = await client.waitForDecision(request.id, { timeoutMs: WITHIN_MS });
  if (status !== 'active' || lease === undefined) throw new Error(`the request is ${status}`);
  const grantedMs = performance.now();
  await readAs(lease.account, postgres.url);
  const readMs = performance.now();
  await giveBack(client, request, key, postgres);
  return {
    signing: signedMs - beganMs,
    start: startedMs - signedMs,
    granted: grantedMs - startedMs,
    login: readMs - grantedMs,
  };
}

/** Logs in anew and reads what only the role may read. */
async function readAs(account: string, url: string): Promise<void> {
  const address = new URL(url);
  address.username = account;
  const login = new PostgresClient({ connectionString: address.href });
  await login.connect();
  try {
    const { rows } = await login.query('SELECT sales FROM reporting.weekly');
    if (rows.length !== 1) throw new Error('the granted role cannot read the table');
  } finally {
    await login.end();
  }
}

/** Not measured: takes the access away, so that the next sample starts without it. */
async function giveBack(
  client: CountersignClient,
  request: AccessRequest,
  key: SigningKey,
  postgres: PostgresTarget,
): Promise<void> {
  const draft = {
    verb: 'revoke' as const,
    request: request.id,
    digest: requestDigest(request),
    revision: 0,
  };
  const times = { nowMs: Date.now(), lifeMs: 600_000 };
  const answer = await client.sendStatement(request.id, await signStatement(draft, AGENT, key, times));
  if (!answer.accepted) throw new Error(`the access cannot be given back: ${answer.refusal?.code}`);
  for (const untilMs = Date.now() + WITHIN_MS; Date.now() < untilMs; ) {
    const [row] = await postgres.query(`SELECT pg_has_role('atlas_agent', '${ROLE}', 'MEMBER') AS held`);
    if (row?.['held'] === false) return;
  }
  throw new Error('the access is still there');
}

/** Prints the figures beside those of the bare workflow of the same run. */
export function printLowRisk(figures: LowRiskFigures): void {
  const say = (value: number) => value.toFixed(1);
  const { spans_p50_ms: spans } = figures;
  process.stdout.write(
    [
      `${figures.requests} requests in turns with as many bare workflows, ${figures.rounds} rounds`,
      `low-risk request to usable login, p50 ms   ${say(figures.request_to_credential_p50_ms)} (p90 ${say(figures.request_to_credential_p90_ms)})`,
      `bare workflow, start to result, p50 ms     ${say(figures.bare_start_to_result_p50_ms)} (p90 ${say(figures.bare_start_to_result_p90_ms)})`,
      `ratio                                      ${figures.ratio_request_to_credential_p50.toFixed(2)}`,
      `parts: ${SPANS.map((span) => `${span} ${say(spans[span])}`).join(', ')}`,
      '',
    ].join('\n'),
  );
}
