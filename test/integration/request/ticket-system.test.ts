import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Replayer, replayHistory } from '../../../src/audit/replay';
import { verifyEvidence } from '../../../src/audit/verify/verify';
import { workflowIdOf } from '../../../src/contracts/names';
import type { AccessRequest } from '../../../src/domain/request';
import { evidenceOf, findingsIn } from '../../support/audit';
import { builtWorkflowBundle, Harness } from '../../support/harness';
import { reroutedToDavid, WRITE } from '../../support/harness-asks';
import { eventuallyTrue } from '../../support/harness-wait';
import { TicketServer } from '../../support/tickets/ticket-server';

/* A reroute by the tickets of a ticket system, through the real workflow. */

let harness: Harness;
let server: TicketServer;
beforeAll(async () => {
  harness = await Harness.start();
  server = await TicketServer.start('jira');
  for (const key of ['OPS-1', 'OPS-2', 'OPS-3', 'OPS-4', 'OPS-5'])
    server.tickets.set(key, { project: 'OPS', open: true, assignee: 'nadia', reporter: 'ines' });
  const tokenFile = path.join(harness.stateDir, 'jira.token');
  writeFileSync(tokenFile, 't0ken');
  const system = {
    kind: 'jira',
    url: server.url,
    tokenFile,
    people: { 'acc-nadia': 'person/nadia', 'acc-ines': 'person/ines' },
  };
  writeFileSync(harness.ticketsFile, JSON.stringify(system));
  const paths = path.join(harness.bundle.dir, 'paths.yaml');
  const rule = 'tickets: { projects: [OPS], assignee: [signer] }\n';
  writeFileSync(paths, `${readFileSync(paths, 'utf8')}\n${rule}`);
}, 120_000);
afterAll(async () => {
  await harness?.stop();
  await server?.stop();
});

const reroute = (request: AccessRequest, ticket: string, by = 'person/nadia') =>
  harness.cast.say(by, 'reroute', request, { ...reroutedToDavid(), ticket });
const refusalsOf = async (request: AccessRequest) =>
  (await harness.cast.events(request)).flatMap((one) =>
    one.type === 'statement_refused' ? [one.refusal] : [],
  );

test('OVR-4, DIR-4, AUD-1 an open ticket counts; the answer is on record, so replay and evidence need no ticket system', async () => {
  const request = await harness.cast.ask({ ...WRITE, durationMs: 3_000 });
  expect(await reroute(request, 'OPS-1')).toBe('accepted');
  expect(await reroute(request, 'OPS-9')).toBe('MISSING_TICKET');
  expect(await reroute(request, 'OPS-1', 'person/viktor')).toBe('MISSING_TICKET');
  expect((await refusalsOf(request)).map(({ detail }) => detail)).toEqual([
    'the ticket system has no such ticket',
    'policy demands that the ticket is assigned to person/viktor',
  ]);
  expect(await harness.cast.say('person/david', 'approve', request)).toBe('accepted');
  await harness.cast.over(request);
  const asked = server.asked.length;
  const history = await harness.client.history(request.id);
  expect(await replayHistory(history, workflowIdOf(request.id), builtWorkflowBundle())).toEqual({ ok: true });
  const replayer = new Replayer(builtWorkflowBundle());
  const evidence = await evidenceOf(harness, request.id, replayer);
  expect(findingsIn(await verifyEvidence(evidence, { replayer }))).toEqual([]);
  await replayer.close();
  expect(server.asked).toHaveLength(asked);
}, 120_000);

test('OVR-4, DIR-4 a ticket system that is away is said so, and is never a yes', async () => {
  const request = await harness.cast.ask(WRITE);
  server.misbehave = (_request, response) => {
    response.writeHead(503).end('{}');
    return true;
  };
  expect(await reroute(request, 'OPS-2')).toBe('NOT_NOW');
  expect((await refusalsOf(request))[0]?.detail).toBe(
    'the ticket system (jira) gives no answer: it answered 503; send it again later',
  );
  server.misbehave = () => false;
}, 120_000);

/** After a system was away it is asked again five seconds later. */
test('TTA-6 a ticket that was closed since carries no grant', async () => {
  const request = await harness.cast.ask(WRITE);
  await eventuallyTrue(
    'the ticket system is asked again',
    async () => (await reroute(request, 'OPS-3')) === 'accepted',
  );
  server.tickets.set('OPS-3', { project: 'OPS', open: false, assignee: 'nadia', reporter: 'ines' });
  // Another program has no answer from before, as this worker has none after a minute.
  await harness.stopWorker();
  await harness.startWorker();
  await harness.cast.say('person/david', 'approve', request);
  expect((await harness.cast.over(request)).status).toBe('failed');
  // What is there bars the request, and gave nobody anything.
  expect((await harness.leases(request.id)).map((lease) => lease['granted_at_ms'])).toEqual([null]);
}, 120_000);
