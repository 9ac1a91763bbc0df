import { TASK_QUEUE, WORKFLOW_TYPE, workflowIdOf } from '../../../src/contracts/names';
import type { AccessRequest, SignedEnvelope, Submission } from '../../../src/domain/request';
import { Harness } from '../../support/harness';
import { WRITE } from '../../support/harness-asks';
import { STRANGERS, startStranger } from '../../support/stranger';

/** A stranger who can write to the namespace: starts workflows, terminates them, runs a worker of their own. */
let harness: Harness;
let stopStranger: (() => Promise<void>) | undefined;

beforeAll(async () => {
  harness = await Harness.start();
  stopStranger = await startStranger(harness.server.address);
}, 120_000);

afterAll(async () => {
  await stopStranger?.();
  await harness?.stop();
});

/** Starts our workflow type without our client, even under an id that was used before. */
const startDirectly = ({ id }: AccessRequest, ...args: unknown[]) =>
  harness.temporal.workflow.start(WORKFLOW_TYPE, {
    workflowId: workflowIdOf(id),
    taskQueue: TASK_QUEUE,
    args,
    workflowIdReusePolicy: 'ALLOW_DUPLICATE',
  });

const schedule = (activity: string, input: unknown): Promise<unknown> =>
  harness.temporal.workflow.execute('scheduleActivity', {
    workflowId: `stranger-${Math.random()}`,
    taskQueue: STRANGERS,
    args: [activity, input],
  });

/** Evidence as a forger would write it: assessed as permitted, by no policy at all. */
const forgedEvidence = (submission: Submission, envelopes: readonly SignedEnvelope[] = []) => ({
  submission,
  assessment: {
    outcome: 'permit',
    reasonCodes: ['PERMITTED_BY_POLICY'],
    explanation: 'trust me',
    maxDurationMs: 3_600_000,
    reviewers: [],
    privileged: false,
    parties: [{ id: submission.request.requester, relation: 'requester' }],
    binding: { account: 'payments_ci', grant: { role: 'production_admin' } },
    determiningPolicies: [],
    policyDigest: 'sha-256:x',
    directoryDigest: 'sha-256:x',
    engineVersion: 'none',
    facts: {},
    assessedAtMs: submission.request.submittedAtMs,
  },
  statements: envelopes.map((envelope) => ({ envelope, receivedAtMs: Date.now() })),
});

describe('TTA-5 a workflow of our type that is started directly', () => {
  test.each([
    ['nothing', undefined],
    ['a text', 'approved'],
    ['a request without proof', { request: { id: 'request-1', requester: 'person/mira' } }],
  ])('with %s is refused, on record, and over', async (_what, input) => {
    const request = harness.cast.compose(WRITE);
    const handle = await startDirectly(request, input);
    await handle.result();
    const view = await harness.cast.view(request);
    expect([view.status, view.rejection?.code]).toEqual(['refused', 'MALFORMED']);
  });

  test('with a submission of another id, or a proof by another key, is refused', async () => {
    const request = harness.cast.compose(WRITE);
    const submission = await harness.cast.submission(request);
    const other = harness.cast.compose(WRITE);
    await (await startDirectly(other, submission)).result();
    expect((await harness.cast.view(other)).rejection?.code).toBe('DIGEST_MISMATCH');
    const altered = { ...submission, request: { ...request, durationMs: request.durationMs + 1 } };
    await (await startDirectly(request, altered)).result();
    const view = await harness.cast.view(request);
    expect([view.status, view.assessment?.reasonCodes]).toEqual(['refused', ['BAD_SUBMISSION']]);
  });

  test('ignores a forged log as second argument, and starts from the beginning', async () => {
    const request = harness.cast.compose(WRITE);
    const submission = await harness.cast.submission(request);
    await startDirectly(request, submission, forgedLog(submission));
    const view = await harness.cast.settled(request);
    expect([view.status, view.approvals]).toEqual(['awaiting_approval', []]);
  });

  test('grants nothing for a forged log that a foreign workflow passes by continue-as-new', async () => {
    const request = harness.cast.compose(WRITE);
    const submission = await harness.cast.submission(request);
    const handle = await harness.temporal.workflow.start('becomeRequest', {
      workflowId: workflowIdOf(request.id),
      taskQueue: STRANGERS,
      args: [submission, forgedLog(submission)],
    });
    await handle.result();
    const view = await harness.cast.view(request);
    expect([view.status, view.rejection?.code]).toEqual(['refused', 'MALFORMED']);
    expect(await harness.holds('payments_ci', 'production_write')).toBe(false);
  });
});

const forgedLog = (submission: Submission) => {
  const { assessment } = forgedEvidence(submission);
  const atMs = Date.now();
  return {
    events: [
      { type: 'submitted', atMs, submission, digest: 'sha-256:x' },
      { type: 'assessed', atMs, assessment },
      { type: 'permitted', atMs },
      { type: 'provisioning_started', atMs },
    ],
    uncountedRefusals: 0,
  };
};

describe('TTA-5 the act, scheduled directly on our task queue', () => {
  test('refuses forged evidence', async () => {
    const request = harness.cast.compose(WRITE);
    const submission = await harness.cast.submission(request);
    expect(await schedule('provision', forgedEvidence(submission))).toMatchObject({
      outcome: 'refused',
      refusal: { code: 'POLICY_CHANGED' },
    });
    expect(await schedule('provision', { evidence: 'trust me' })).toMatchObject({
      refusal: { code: 'MALFORMED' },
    });
    expect(await harness.leases(request.id)).toEqual([]);
  });
});

describe('TTA-5 OVR-10 what has ended stays ended', () => {
  test('a copied submission and its approval, after the grant has ended: no second grant, the same lease', async () => {
    const request = await harness.cast.ask({ ...WRITE, durationMs: 800 });
    const approval = await harness.cast.sign('person/mira', 'approve', request);
    await harness.cast.carry(request, approval);
    await harness.cast.over(request);
    const [lease, ...others] = await harness.leases(request.id);
    await startDirectly(request, await harness.client.submissionOf(request.id));
    await harness.cast.until(request, ({ status }) => status === 'awaiting_approval');
    expect(await harness.cast.carry(request, approval)).toBe('accepted');
    expect(await harness.cast.over(request)).toMatchObject({
      status: 'closed',
      lease: { expiresAtMs: Number(lease?.['expires_at_ms']) },
      ended: { atMs: Number(lease?.['ended_at_ms']) },
    });
    expect(await harness.leases(request.id)).toEqual([lease, ...others]);
    expect(await harness.holds('payments_ci', 'production_write')).toBe(false);
  });

  test('a denied request, run again without its denial and with valid approvals, is barred', async () => {
    const request = await harness.cast.ask(WRITE);
    const approval = await harness.cast.sign('person/mira', 'approve', request);
    await harness.cast.say('person/tomas', 'deny', request);
    await harness.temporal.workflow.getHandle(workflowIdOf(request.id)).result();
    await startDirectly(request, await harness.client.submissionOf(request.id));
    await harness.cast.until(request, ({ status }) => status === 'awaiting_approval');
    await harness.cast.carry(request, approval);
    const view = await harness.cast.settled(request);
    expect([view.status, view.failure?.code]).toEqual(['failed', 'LEASE_ENDED']);
    expect(await harness.holds('payments_ci', 'production_write')).toBe(false);
  });

  test('a request terminated while it waits and started again still needs its approval', async () => {
    const request = await harness.cast.ask(WRITE);
    await harness.temporal.workflow.getHandle(workflowIdOf(request.id)).terminate('by a stranger');
    await startDirectly(request, await harness.client.submissionOf(request.id));
    const view = await harness.cast.until(request, ({ status }) => status === 'awaiting_approval');
    expect(view.approvals).toEqual([]);
    expect(await harness.leases(request.id)).toEqual([]);
  });

  test('a request reset to before its denial cannot be granted any more', async () => {
    const request = await harness.cast.ask(WRITE);
    const approval = await harness.cast.sign('person/mira', 'approve', request);
    await harness.cast.say('person/tomas', 'deny', request);
    const handle = harness.temporal.workflow.getHandle(workflowIdOf(request.id));
    await handle.result();
    const { events = [] } = await handle.fetchHistory();
    const firstTask = events?.find((event) => event.workflowTaskCompletedEventAttributes != null);
    await harness.temporal.workflowService.resetWorkflowExecution({
      namespace: 'default',
      workflowExecution: { workflowId: workflowIdOf(request.id) },
      requestId: request.id,
      reason: 'by a stranger',
      workflowTaskFinishEventId: firstTask?.eventId ?? null,
      resetReapplyExcludeTypes: [1, 2],
    });
    await harness.cast.until(request, ({ status }) => status === 'awaiting_approval');
    await harness.cast.carry(request, approval);
    const view = await harness.cast.settled(request);
    expect([view.status, view.failure?.code]).toEqual(['failed', 'LEASE_ENDED']);
  });
});
