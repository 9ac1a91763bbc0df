import { CountersignError } from '../../../src/contracts/error';
import type { RequestRow } from '../../../src/contracts/snapshot';
import type { Command } from '../../../src/domain/command';
import { decide } from '../../../src/domain/decide';
import type { DomainEvent } from '../../../src/domain/event';
import { evolve } from '../../../src/domain/evolve';
import type { RequestState } from '../../../src/domain/state';
import { type Run, VerifiedRows } from '../../../src/verified/verified-rows';
import { type Reader, verifyRequest } from '../../../src/verified/verify-request';
import { aRequest, MINUTE, START } from '../../support/domain/builders';
import { assess, at, says } from '../../support/domain/commands';
import { LEAD_1, LEAD_2, LEAD_3 } from '../../support/domain/people';
import { DirectoryInMemory, PolicyInMemory, sealed, submitted } from '../../support/domain/ports';
import { aStatement } from '../../support/domain/statements';

const request = aRequest();
const row: RequestRow = {
  ...{
    id: request.id,
    basis: 'server',
    runId: 'run-1',
    status: 'awaiting_approval',
    requester: request.requester,
  },
  ...{ beneficiary: request.beneficiary, entitlement: 'any', awaiting: [LEAD_1], emergency: false },
};

function eventsOf(...commands: readonly Command[]): readonly DomainEvent[] {
  const events: DomainEvent[] = [];
  let state: RequestState | null = null;
  const submit = { type: 'submit', atMs: START, submission: submitted(request) } as const;
  for (const command of [submit, ...commands])
    for (const event of decide(state, command)) {
      events.push(event);
      state = evolve(state, event);
    }
  return events;
}

const signed = says(LEAD_1, 'approve', {}, { envelope: sealed(aStatement('approve', LEAD_1)) });
const asked = eventsOf(assess());
const signedOnce = eventsOf(assess(), at(MINUTE, signed));

let nowMs: number;
let events: readonly DomainEvent[];
let calls: { length: number; events: number; policy: number };
let rows: VerifiedRows;
let reader: Reader;

/** A policy that counts how often it is asked. */
class CountedPolicy extends PolicyInMemory {
  override assess(...about: Parameters<PolicyInMemory['assess']>) {
    calls.policy += 1;
    return super.assess(...about);
  }
}

beforeEach(() => {
  nowMs = START + 2 * MINUTE;
  events = asked;
  calls = { length: 0, events: 0, policy: 0 };
  reader = { directory: new DirectoryInMemory(), policy: new CountedPolicy() };
  rows = new VerifiedRows(
    {
      historyLength: async () => {
        calls.length += 1;
        return events.length;
      },
      events: async () => {
        calls.events += 1;
        return events;
      },
    },
    () => nowMs,
  );
});

const awaited = async (of: RequestRow = row) => {
  const verified = await rows.of(of, reader);
  return verified.holds ? verified.view.awaiting : verified.refusal.code;
};

describe('WEB-5, DIR-1 a request that stays as it is costs one look', () => {
  it('is not looked at again for a short while', async () => {
    const first = await awaited();
    expect(await awaited()).toEqual(first);
    expect(calls).toMatchObject({ length: 1, events: 1 });
  });

  it('is looked at again after a while, and then asks no worker and verifies nothing anew', async () => {
    await awaited();
    const { policy } = calls;
    nowMs += 3 * MINUTE;
    await awaited();
    expect(calls).toEqual({ length: 2, events: 1, policy });
  });

  it('is read again when its history has grown', async () => {
    await awaited();
    events = signedOnce;
    nowMs += 3 * MINUTE;
    expect(await awaited()).toEqual([LEAD_2, LEAD_3]);
    expect(calls.events).toBe(2);
  });

  it('is read again at once when the server lists it otherwise, or in another run', async () => {
    await awaited();
    events = signedOnce;
    expect(await awaited({ ...row, awaiting: [LEAD_2] })).toEqual([LEAD_2, LEAD_3]);
    await awaited({ ...row, awaiting: [LEAD_2], runId: 'run-2' });
    expect(calls.events).toBe(3);
  });

  it('TTA-6 is verified again when policy is another, and every few minutes in any case', async () => {
    await awaited();
    const before = calls.policy;
    const stricter = new CountedPolicy();
    Object.defineProperty(stricter, 'digest', { value: 'sha-256:another' });
    reader = { ...reader, policy: stricter };
    await awaited();
    expect(calls.policy).toBeGreaterThan(before);
    const after = calls.policy;
    nowMs += 6 * MINUTE;
    await awaited();
    expect(calls.policy).toBeGreaterThan(after);
    expect(calls.events).toBe(1);
  });

  it('OVR-11 is verified again when time has changed it', async () => {
    await awaited();
    const before = calls.policy;
    nowMs += 100 * 24 * 60 * MINUTE;
    expect(await awaited()).toBe('NOT_AUTHORISED');
    expect(calls.policy).toBeGreaterThan(before);
  });

  it('asks what does not answer once in a while only', async () => {
    let tries = 0;
    const silent = new VerifiedRows(
      {
        historyLength: async () => 3,
        events: async () => {
          tries += 1;
          throw new CountersignError('NOT_ANSWERING', 'no worker answers');
        },
      },
      () => nowMs,
    );
    await expect(silent.of(row, reader)).rejects.toMatchObject({ code: 'NOT_ANSWERING' });
    expect(await silent.of(row, reader)).toMatchObject({ holds: false });
    nowMs += 3 * MINUTE;
    await expect(silent.of(row, reader)).rejects.toMatchObject({ code: 'NOT_ANSWERING' });
    expect(tries).toBe(2);
  });
});

describe('WEB-5 one request that waits for people is shown as it was verified a short while ago', () => {
  const run = { runId: 'run-1', length: 5 };
  const keep = async () => {
    const verified = await verifyRequest({ requestId: request.id, events: asked }, reader, nowMs);
    rows.keep(request.id, run, asked, verified, reader);
    return verified;
  };
  const pending = (other: Partial<Run> = {}, by = reader) =>
    rows.pending(request.id, { ...run, ...other }, by);

  it('if nothing was added to its history, and directory and policy are the same', async () => {
    const verified = await keep();
    expect(verified).toMatchObject({ holds: true, view: { status: 'awaiting_approval' } });
    expect(pending()).toBe(verified);
    expect(pending({ length: 6 })).toBeUndefined();
    expect(pending({ runId: 'run-2' })).toBeUndefined();
    const stricter = new CountedPolicy();
    Object.defineProperty(stricter, 'digest', { value: 'sha-256:another' });
    expect(pending({}, { ...reader, policy: stricter })).toBeUndefined();
  });

  it('for five minutes, and not past the moment at which time changes it', async () => {
    await keep();
    nowMs += 5 * MINUTE - 1;
    expect(pending()).toBeDefined();
    nowMs += 1;
    expect(pending()).toBeUndefined();
    const verified = await keep();
    const atMs = verified.holds ? verified.view.nextDeadline?.atMs : undefined;
    if (atMs === undefined) throw new Error('time never changes it');
    nowMs = atMs - MINUTE;
    await keep();
    nowMs = atMs;
    expect(pending()).toBeUndefined();
  });

  it('and a list looks at it anew all the same', async () => {
    await keep();
    await awaited();
    expect(calls).toMatchObject({ length: 1 });
  });
});
