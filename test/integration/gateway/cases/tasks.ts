import { randomUUID } from 'node:crypto';
import { eventually, eventuallyTrue } from '../../../support/harness-wait';
import { type CallbackReceiver, signatureOf } from '../support/callback-receiver';
import {
  CONTAINED,
  denialOf,
  problemOf,
  READ,
  type RequestGateway,
  rotation,
  WRITE,
} from '../support/request-gateway';

interface Ground {
  readonly gateway: RequestGateway;
  readonly receiver: CallbackReceiver;
}

/** The profile's sections about tasks. They share the gateway of whoever calls this: starting one takes longer than they do. */
export function taskCases(ground: () => Ground): void {
  let gateway: RequestGateway;
  let receiver: CallbackReceiver;
  beforeAll(() => {
    ({ gateway, receiver } = ground());
  });

  describe('ARAP Access Request Submission, of the same and of several', () => {
    it('a repeated submission is the same task, also for a gateway that has started again', async () => {
      const body = await gateway.submission('ci/payments', WRITE);
      const key = randomUUID();
      const [first, second] = await Promise.all([
        gateway.submit('ci/payments', body, key),
        gateway.submit('ci/payments', body, key),
      ]);
      expect(first?.status).toBe(202);
      expect(second?.json.task.id).toBe(first?.json.task.id);
      const reordered = Object.fromEntries(Object.entries(body).reverse());
      expect((await gateway.submit('ci/payments', reordered, key)).json.task.id).toBe(first?.json.task.id);
      const other = { ...body, context: { business_justification: 'another reason' } };
      const conflict = await gateway.submit('ci/payments', other, key);
      expect([conflict.status, problemOf(conflict)]).toEqual([409, 'duplicate_request']);
      await gateway.stopGateway();
      await gateway.startGateway();
      expect((await gateway.submit('ci/payments', body, key)).json.task.id).toBe(first?.json.task.id);
      expect(problemOf(await gateway.submit('ci/payments', other, key))).toBe('duplicate_request');
      // The key is the caller's own: the same one of another caller is another.
      expect(problemOf(await gateway.submit('bot/deployer', body, key))).toBe('invalid_denial_binding');
    });

    it('of attempts at once under one key each finds what those before it have made, also when the first is refused', async () => {
      const body = await gateway.submission('ci/payments', WRITE);
      const key = randomUUID();
      const bad = { ...body, requested_access: { requested_until: '2001-01-01T00:00:00Z' } };
      const answers = await Promise.all(
        [bad, body, body, body].map((one) => gateway.submit('ci/payments', one, key)),
      );
      const made = answers.filter(({ status }) => status === 202);
      // It may as well have come after one of the others: then it is another body under the same key.
      expect([400, 409]).toContain(answers[0]?.status);
      expect(made).toHaveLength(3);
      expect(new Set(made.map(({ json }) => json.task.id)).size).toBe(1);
    });

    it('several items are one task, each with a fate of its own', async () => {
      const items = [];
      for (const about of [WRITE, rotation(7)]) {
        const { json } = await gateway.as('ci/payments', '/access/v1/evaluation', { body: about });
        items.push({ resource: about.resource, action: about.action, denial: denialOf(json) });
      }
      const body = { subject: WRITE.subject, items, context: CONTAINED };
      const mixed = await gateway.submit('ci/payments', { ...body, resource: WRITE.resource });
      expect(mixed.status).toBe(400);
      const submitted = await gateway.submit('ci/payments', body);
      expect(submitted.json.task).toMatchObject({
        status: 'pending',
        items: [
          { resource: WRITE.resource, action: WRITE.action, status: 'pending' },
          { resource: rotation(7).resource, action: rotation(7).action, status: 'pending' },
        ],
      });
      const { id } = submitted.json.task;
      const [access, execution] = await gateway.gateway.tasks.requestIds(id);
      // Temporal lists what is open a moment after it is.
      await eventuallyTrue('both requests of the task await mira', async () => {
        const { requests } = (await gateway.as('person/mira', '/v1/awaiting')).json as {
          requests: { id: string }[];
        };
        const listed = new Set(requests.map((one) => one.id));
        return listed.has(access ?? '') && listed.has(execution ?? '');
      });
      await gateway.say('person/mira', 'approve', access ?? '');
      await gateway.say('person/mira', 'deny', execution ?? '');
      const over = await gateway.read('ci/payments', id, 30);
      expect(over.json.task).toMatchObject({
        status: 'partial',
        items: [{ status: 'approved', result: { mode: 'reevaluate' } }, { status: 'denied' }],
      });
      expect(over.json).not.toHaveProperty('result');
    });
  });

  it('APB-6 of a task with one item that is not good nothing is started and no denial is used up', async () => {
    const items: Record<string, unknown>[] = [];
    for (const about of [WRITE, rotation(9)]) {
      const { json } = await gateway.as('ci/payments', '/access/v1/evaluation', { body: about });
      items.push({ resource: about.resource, action: about.action, denial: denialOf(json) });
    }
    const [first = {}, second = {}] = items;
    const task = (last: object, said: object = {}) => ({
      subject: WRITE.subject,
      items: [first, { ...second, ...last }],
      context: CONTAINED,
      ...said,
    });
    const key = randomUUID();
    const fits = { endpoint: `${receiver.url}/access` };
    for (const bad of [
      task({ requested_access: { requested_until: '2099-01-01T00:00:00Z' } }),
      task({ denial: first['denial'] }),
      task({}, { context: { ...CONTAINED, business_justification: 'with a \u0007 bell' } }),
      task({}, { callback: { ...fits, state: '' } }),
      task({}, { callback: { ...fits, state: 'a\rb' } }),
    ]) {
      const answer = await gateway.submit('ci/payments', bad, key);
      expect([answer.status, answer.json.task]).toEqual([400, undefined]);
    }
    // A denial of the first is still good, and under the same key nothing is there yet.
    const good = await gateway.submit('ci/payments', task({}), key);
    expect(good.status).toBe(202);
    expect(await gateway.gateway.tasks.requestIds(good.json.task.id)).toHaveLength(2);
  });

  it('TTA-1 what is too much to be attested is refused before it is started', async () => {
    const properties = { note: 'ц'.repeat(3_800) };
    const about = { ...WRITE, resource: { ...WRITE.resource, properties } };
    const { json } = await gateway.as('ci/payments', '/access/v1/evaluation', { body: about });
    const item = { resource: about.resource, action: about.action, denial: denialOf(json) };
    const body = { subject: WRITE.subject, context: CONTAINED };
    const state = 'ц'.repeat(1_000);
    const callback = { endpoint: `${receiver.url}/${'x'.repeat(1_900)}`, state };
    const answer = await gateway.submit('ci/payments', { ...body, items: [item], callback });
    expect(answer.status).toBe(413);
    expect((await gateway.submit('ci/payments', { ...body, ...item })).status).toBe(202);
  });

  it('a task that broke off between two items is made whole by whoever sends it again', async () => {
    const items = [];
    for (const about of [WRITE, rotation(8)]) {
      const { json } = await gateway.as('ci/payments', '/access/v1/evaluation', { body: about });
      items.push({ resource: about.resource, action: about.action, denial: denialOf(json) });
    }
    const body = { subject: WRITE.subject, items, context: CONTAINED };
    const key = randomUUID();
    const { id } = (await gateway.submit('ci/payments', body, key)).json.task;
    const [, second = ''] = await gateway.gateway.tasks.requestIds(id);
    // As if the gateway had been stopped before it started the second one.
    await gateway.stopGateway();
    const workflowId = `access-request/${second}`;
    const { workflowService, workflow } = gateway.harness.temporal;
    await workflowService.deleteWorkflowExecution({
      namespace: 'default',
      workflowExecution: { workflowId },
    });
    const isGone = () =>
      workflow
        .getHandle(workflowId)
        .describe()
        .then(
          () => false,
          () => true,
        );
    await eventuallyTrue('the second request is gone', isGone);
    await gateway.startGateway();
    const again = await gateway.submit('ci/payments', body, key);
    expect(again).toMatchObject({ status: 202, json: { task: { id } } });
    expect(again.json.task.items).toHaveLength(2);
    expect(await isGone()).toBe(false);
  });

  describe('ARAP Task Status Endpoint, Cancellation', () => {
    it('a task is gone when its time is over, and says so only to its parties', async () => {
      const { json } = await gateway.ask('ci/payments', WRITE);
      gateway.clock.offsetMs = Date.parse(json.task.expires_at) - Date.now() + 60_000;
      const late = await gateway.read('ci/payments', json.task.id);
      const foreign = await gateway.read('agent/atlas', json.task.id);
      gateway.clock.offsetMs = 0;
      expect([late.status, problemOf(late)]).toEqual([410, 'task_expired']);
      expect(problemOf(foreign)).toBe('unknown_task');
    });

    it('what is under way is answered before a gateway stops, and nothing after', async () => {
      const { json } = await gateway.ask('ci/payments', WRITE);
      const waiting = gateway.read('ci/payments', json.task.id, 3);
      await eventuallyTrue('the poll has arrived', async () => gateway.underWay() > 0);
      await gateway.stopGateway();
      expect((await waiting).status).toBe(200);
      await expect(gateway.web.call('/health')).rejects.toThrow();
      await gateway.startGateway();
      expect((await gateway.web.call('/health')).status).toBe(200);
    });

    it('whoever has no part in a task learns nothing of it', async () => {
      const { json } = await gateway.ask('ci/payments', WRITE);
      const stranger = await gateway.read('agent/atlas', json.task.id);
      const made = await gateway.read('agent/atlas', `arq_${'x'.repeat(32)}`);
      expect(problemOf(stranger)).toBe('unknown_task');
      expect(stranger.json).toEqual(made.json);
      expect((await gateway.web.call(`/access/v1/requests/${json.task.id}`)).status).toBe(401);
    });

    it('OVR-10 a requester cannot cancel, a process owner can, once', async () => {
      const { json } = await gateway.ask('ci/payments', WRITE);
      const { id } = json.task;
      const cancel = async (who: string, body?: unknown) =>
        gateway.as(who, `/access/v1/requests/${id}/cancel`, {
          method: 'POST',
          ...(body !== undefined && { body }),
        });
      expect((await cancel('ci/payments')).status).toBe(403);
      expect(problemOf(await cancel('agent/atlas'))).toBe('unknown_task');
      expect((await cancel('person/chen')).status).toBe(400);
      const malformed = { format: 'jws', jws: 'not a statement' };
      expect((await cancel('person/chen', { 'urn:countersign:statements': [malformed] })).status).toBe(400);
      const forged = await gateway.statement('person/mira', 'cancel', id);
      const refused = await cancel('person/chen', { 'urn:countersign:statements': [forged] });
      expect([refused.status, refused.json.code]).toEqual([403, 'NOT_GOVERNANCE']);
      const statement = await gateway.statement('person/chen', 'cancel', id);
      const done = await cancel('person/chen', {
        reason: 'duplicate',
        'urn:countersign:statements': [statement],
      });
      expect(done).toMatchObject({ status: 200, json: { task: { status: 'cancelled' } } });
      const again = await cancel('person/chen', { 'urn:countersign:statements': [statement] });
      expect([again.status, problemOf(again)]).toEqual([409, 'invalid_task_state']);
    });
  });

  describe('ARAP Callback Completion', () => {
    it('tells a registered endpoint, signed, again where it failed', async () => {
      receiver.failures = 1;
      const endpoint = `${receiver.url}/access`;
      const submitted = await gateway.ask('ci/payments', WRITE, { callback: { endpoint, state: 'flow-1' } });
      expect(submitted.status).toBe(202);
      const { id } = submitted.json.task;
      await gateway.say('person/mira', 'approve', id);
      const [first, second] = await eventually('two tries', async () => {
        const ours = receiver.received.filter(({ body }) => body.includes(id));
        return ours.length >= 2 ? ours : undefined;
      });
      expect(JSON.parse(second?.body ?? '')).toEqual({
        state: 'flow-1',
        task: { id, status: 'approved', status_endpoint: `${gateway.url}/access/v1/requests/${id}` },
      });
      expect(second?.headers['webhook-id']).toBe(first?.headers['webhook-id']);
      expect(second?.headers['webhook-signature']).toBe(second && signatureOf(second));
    });

    it('a gateway that starts again tells what was decided while it was away', async () => {
      const endpoint = `${receiver.url}/access`;
      const submitted = await gateway.ask('ci/payments', WRITE, { callback: { endpoint } });
      const { id } = submitted.json.task;
      const statement = await gateway.statement('person/mira', 'deny', id);
      await gateway.stopGateway();
      expect((await gateway.harness.client.sendStatement(id, statement)).accepted).toBe(true);
      await gateway.startGateway();
      const told = await eventually('the callback', async () =>
        receiver.received.find(({ body }) => body.includes(id)),
      );
      expect(JSON.parse(told.body)).toMatchObject({ task: { id, status: 'denied' } });
      // It is owed no longer once it is taken.
      await eventuallyTrue('nothing is owed', async () => {
        const rows = await gateway.harness.postgres.query(
          'SELECT 1 FROM countersign.callback WHERE task_id = $1',
          [id],
        );
        return rows.length === 0;
      });
      expect(receiver.received.filter(({ body }) => body.includes(id))).toHaveLength(1);
    });

    it('is asked for only where the caller is known to be', async () => {
      for (const endpoint of [
        'http://127.0.0.1:1/hooks',
        'http://169.254.169.254/latest/meta-data',
        'https://localhost/hooks',
        receiver.url.replace('/hooks', '/other'),
        receiver.url.replace('/hooks', '/hooks/../other'),
        receiver.url.replace('127.0.0.1', 'user:secret@127.0.0.1'),
      ])
        expect((await gateway.ask('ci/payments', WRITE, { callback: { endpoint } })).status).toBe(400);
    });
  });

  describe('ARAP Delegation and On-Behalf-Of', () => {
    it('a chain is believed only as far as the token says it', async () => {
      const claimed = (actor: object) => gateway.ask('ci/payments', WRITE, { client: { actor } });
      expect((await claimed({ id: 'agent/atlas' })).status).toBe(403);
      const chain = { id: 'ci/payments', act: { sub: 'person/ines', iss: 'directory' } };
      expect((await claimed(chain)).status).toBe(403);
      expect((await claimed({ id: 'ci/payments', issuer: 'directory' })).status).toBe(202);
    });

    it('nobody asks about others but those who answer for them, and those who enforce', async () => {
      const evaluate = (who: string) =>
        gateway.as(who, '/access/v1/evaluation', { body: READ }).then(({ json }) => json);
      expect(await evaluate('agent/atlas')).toMatchObject({ decision: true });
      expect(await evaluate('service/runner')).toMatchObject({ decision: true });
      expect(await evaluate('bot/deployer')).toMatchObject({
        decision: false,
        context: { reason: 'subject_not_authorised' },
      });
    });
  });
}
