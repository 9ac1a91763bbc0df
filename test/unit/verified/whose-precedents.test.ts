import { CountersignError } from '../../../src/client';
import type { LinkedPrecedent } from '../../../src/domain/assessment';
import type { Command } from '../../../src/domain/command';
import { decide } from '../../../src/domain/decide';
import type { DomainEvent } from '../../../src/domain/event';
import { evolve } from '../../../src/domain/evolve';
import type { Submission } from '../../../src/domain/request';
import type { RequestState } from '../../../src/domain/state';
import { VerifiedRequests } from '../../../src/verified/verified-requests';
import { aRequest, MINUTE, needsApproval, START } from '../../support/domain/builders';
import { assess } from '../../support/domain/commands';
import { DirectoryInMemory, PolicyInMemory, submitted } from '../../support/domain/ports';

const request = aRequest();
const stopped: LinkedPrecedent = {
  kind: 'hard-stop',
  id: 'request-0000',
  about: 'network:egress-policy#disable',
  atMs: START - MINUTE,
};
const earlier = aRequest({ id: stopped.id, requester: 'agent/atlas', submittedAtMs: stopped.atMs });

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

/** The precedents as they are shown of a request, if this is what the server has as the earlier one. */
async function shown(precedent: LinkedPrecedent, earlierOne: Submission | undefined) {
  const assessment = { ...needsApproval(), precedents: [precedent] };
  const events = eventsOf(assess(assessment));
  const directory = new DirectoryInMemory();
  const verified = new VerifiedRequests({
    requests: {
      rows: async function* () {},
      historyLength: async () => 1,
      latestRun: async () => ({ runId: 'run-1', length: 1 }),
      events: async () => events,
      submissionOf: async (id) => {
        if (id === request.id) return submitted(request);
        if (earlierOne === undefined) throw new CountersignError('NOT_FOUND', `there is no request ${id}`);
        return earlierOne;
      },
    },
    reader: async () => ({ directory, policy: new PolicyInMemory(assessment) }),
    nowMs: () => START + MINUTE,
  });
  const read = await verified.read(request.id);
  if (!read.holds) throw new Error(read.refusal.detail);
  return read.view.assessment?.precedents;
}

describe('APB-3, WEB-5 what went before names whose it was, from what they signed', () => {
  test('the requester and the beneficiary of the earlier request', async () => {
    expect(await shown(stopped, submitted(earlier))).toEqual([
      { ...stopped, requester: 'agent/atlas', beneficiary: earlier.beneficiary },
    ]);
  });

  test('TTA-5 nobody is named by a request that its requester did not sign, by another one, or by none', async () => {
    const forged = { ...submitted(earlier), request: { ...earlier, requester: 'person/ines' } };
    expect(await shown(stopped, forged)).toEqual([stopped]);
    expect(await shown(stopped, submitted(request))).toEqual([stopped]);
    expect(await shown(stopped, undefined)).toEqual([stopped]);
  });
});
