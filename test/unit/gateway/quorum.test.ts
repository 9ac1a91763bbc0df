import type { CountersignClient } from '../../../src/client';
import { SILENT_LOGGER } from '../../../src/contracts/logger';
import { requestViewSchema } from '../../../src/contracts/snapshot';
import type { Command } from '../../../src/domain/command';
import { decide } from '../../../src/domain/decide';
import type { DomainEvent } from '../../../src/domain/event';
import { evolve, fold } from '../../../src/domain/evolve';
import { snapshotOf } from '../../../src/domain/snapshot';
import type { RequestState } from '../../../src/domain/state';
import { ApproverRequests } from '../../../src/gateway/approver/approver-requests';
import { VerifiedRequests } from '../../../src/verified/verified-requests';
import { aRequest, MINUTE, START } from '../../support/domain/builders';
import { assess, at, says } from '../../support/domain/commands';
import { LEAD_1, LEAD_2, LEAD_3 } from '../../support/domain/people';
import { DirectoryInMemory, PolicyInMemory, sealed, submitted } from '../../support/domain/ports';
import { aStatement } from '../../support/domain/statements';
import { exampleBundle } from '../policy/example';

const request = aRequest();
const signed = (who: string): Command =>
  says(who, 'approve', {}, { envelope: sealed(aStatement('approve', who)) });

function eventsOf(...commands: readonly Command[]): readonly DomainEvent[] {
  const events: DomainEvent[] = [];
  let state: RequestState | null = null;
  for (const command of [
    { type: 'submit', atMs: START, submission: submitted(request) } as const,
    ...commands,
  ])
    for (const event of decide(state, command)) {
      events.push(event);
      state = evolve(state, event);
    }
  return events;
}

/** A gateway's approver requests over what a workflow has recorded. Only the server is made up: verification is the real one. */
async function deskOver(events: () => readonly DomainEvent[], sent: () => void) {
  const bundle = await exampleBundle();
  const authority = { directory: new DirectoryInMemory(), policy: new PolicyInMemory() };
  const nowMs = () => START + 3 * MINUTE;
  const requests = {
    rows: async function* () {},
    events: async () => events(),
    historyLength: async () => events().length,
    latestRun: async () => ({ runId: 'run-1', length: events().length }),
    submissionOf: async () => submitted(request),
  };
  const client = {
    get: async () => {
      const state = fold(events());
      if (state === null) throw new Error('nothing was submitted');
      return requestViewSchema.parse(snapshotOf(state));
    },
    breakOf: async () => undefined,
    sendStatement: async () => {
      sent();
      return { accepted: true, status: 'awaiting_approval' as const, revision: 0 };
    },
  };
  return new ApproverRequests({
    // What it calls of the client is above.
    client: client as unknown as CountersignClient,
    verified: new VerifiedRequests({ requests, reader: async () => authority, nowMs }),
    bundles: { current: async () => bundle },
    authority: async () => authority,
    log: SILENT_LOGGER,
    nowMs,
  });
}

describe('WEB-5, WEB-7 a gateway says how many signatures are needed, given and missing', () => {
  const none = eventsOf(assess());
  const once = eventsOf(assess(), at(MINUTE, signed(LEAD_1)));
  const caller = { principal: LEAD_1 } as Parameters<ApproverRequests['read']>[0];

  test('of a request, and in the answer to the first of two signatures', async () => {
    let now = none;
    const desk = await deskOver(
      () => now,
      () => {
        now = once;
      },
    );
    const quorum = { needs: 2, has: 0, missing: [LEAD_1, LEAD_2, LEAD_3] };
    expect(await desk.read(caller, request.id)).toMatchObject({ quorum });
    const answer = await desk.carry(caller, request.id, sealed(aStatement('approve', LEAD_1)));
    expect(answer).toMatchObject({
      accepted: true,
      quorum: { needs: 2, has: 1, missing: [LEAD_2, LEAD_3] },
    });
  });
});
