import { decodeJwt } from 'jose';
import type { JwsEnvelope } from '../../../src/domain/request';
import { DenialReports, type DeniedAttempt } from '../../../src/gateway/pdp/denial-reports';
import type { SigningKey } from '../../../src/signing/keys';
import { eventuallyTrue } from '../../support/harness-wait';
import { Keyring } from '../../support/keyring';

const NOW = 1_700_000_000_000;
const DENIED: DeniedAttempt = {
  sub: 'ci/payments',
  resource: 'warehouse:payments',
  reasonCode: 'NO_MATCHING_POLICY',
};

/* How a decision point tells what it denied: off the way of its decisions, bounded, and not at the first hurdle lost. */
describe('APB-3 denial reports of the decision point', () => {
  let key: SigningKey;
  let clockMs: number;
  let carried: Record<string, unknown>[];
  let failures: number;
  let gate: Promise<void>;
  const logged: { about: object; message: string }[] = [];

  beforeEach(async () => {
    key = await new Keyring().enrol('service/gateway');
    [clockMs, carried, failures, gate] = [NOW, [], 0, Promise.resolve()];
    logged.length = 0;
  });

  const reports = (mostKnown?: number) => {
    const note = (about: object, message: string) => void logged.push({ about, message });
    return new DenialReports({
      client: {
        reportDenial: async ({ jws }: JwsEnvelope) => {
          await gate;
          if (failures-- > 0) throw new Error('no server');
          carried.push(decodeJwt(jws));
          return { ok: true, value: { id: 'a report' } };
        },
      },
      key,
      reporter: 'service/gateway',
      log: { info: note, warn: note, error: note },
      nowMs: () => clockMs,
      firstPauseMs: 1,
      ...(mostKnown !== undefined && { mostKnown }),
    });
  };
  const have = (count: number) => eventuallyTrue(`${count} reports`, async () => carried.length === count);

  it('says who was denied what, when, and why', async () => {
    reports().note({ ...DENIED, control: 'mfa' });
    clockMs += 5_000;
    await have(1);
    expect(carried[0]).toMatchObject({
      ...DENIED,
      ...{ iss: 'service/gateway', control: 'mfa', deniedAt: NOW / 1_000 },
    });
  });

  it('says the same once a minute, however often it is tried', async () => {
    const some = reports();
    for (let times = 0; times < 500; times += 1) some.note(DENIED);
    some.note({ ...DENIED, sub: 'bot/deployer' });
    await have(2);
    clockMs += 60_001;
    some.note(DENIED);
    await have(3);
    await some.stop();
    expect(carried).toHaveLength(3);
  });

  it('tries again where nobody is reached, in order, and keeps a bounded number meanwhile', async () => {
    let open: () => void = () => undefined;
    gate = new Promise((resolve) => {
      open = resolve;
    });
    failures = 3;
    const some = reports();
    for (let index = 0; index < 1_500; index += 1)
      some.note({ ...DENIED, resource: `warehouse:table-${index}` });
    open();
    await have(1_000);
    expect(carried.map(({ resource }) => resource).slice(0, 3)).toEqual(
      [0, 1, 2].map((index) => `warehouse:table-${index}`),
    );
    expect(logged).toContainEqual({ about: { denials: 500 }, message: expect.stringContaining('too many') });
  });

  it('holds up neither a decision nor the end of the gateway', async () => {
    gate = new Promise(() => undefined);
    const some = reports();
    some.note(DENIED);
    await some.stop();
    some.note({ ...DENIED, sub: 'bot/deployer' });
    expect(carried).toEqual([]);
    expect(logged).toContainEqual({
      about: { denials: 1 },
      message: expect.stringContaining('before these'),
    });
  });

  it('loses none silently, and takes one that was lost when it is tried once more', async () => {
    let open: () => void = () => undefined;
    gate = new Promise((resolve) => {
      open = resolve;
    });
    const some = reports();
    const denials = Array.from({ length: 1_002 }, (_, index) => ({
      ...DENIED,
      resource: `warehouse:t${index}`,
    }));
    for (const one of denials) some.note(one);
    expect(logged).toContainEqual({ about: {}, message: expect.stringContaining('more are lost') });
    open();
    await have(1_000);
    // What is on its way is one; what was lost is not.
    for (const one of denials) some.note(one);
    await have(1_002);
    expect(new Set(carried.map(({ resource }) => resource)).size).toBe(1_002);
  });

  it('reports also what it cannot remember', async () => {
    const some = reports(3);
    for (let index = 0; index < 5; index += 1) some.note({ ...DENIED, resource: `warehouse:t${index}` });
    await have(5);
    expect(logged).toEqual([]);
  });
});
