import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { FrictionTally } from '../../../src/friction/tally';
import { healthyCrowd } from '../../support/friction/crowd';
import { lifeOf } from '../../support/friction/population';

describe('FRI-4 memory does not grow with the number of requests', () => {
  setFlagsFromString('--expose-gc');
  const collect: () => void = runInNewContext('gc');
  const heldBytes = (): number => {
    collect();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return heapUsed + arrayBuffers;
  };

  test('50,000 requests of as many identities are held in far less than 200 MB', () => {
    const before = heldBytes();
    const tally = new FrictionTally({ teamsOf: (id) => [`team-of-${id}`] });
    const sample = [...healthyCrowd(50)].map((plan) => ({ plan, events: lifeOf(plan) }));
    let count = 0;
    for (let round = 0; round < 1_000; round += 1)
      for (const { plan, events } of sample) {
        count += 1;
        const [first, ...rest] = events;
        if (first?.type !== 'submitted') throw new Error('a life begins with its submission');
        const request = {
          ...first.submission.request,
          id: `request-${count}`,
          beneficiary: `service/s${count}`,
          entitlement: { ...plan.what, resource: `resource-${count % 5_000}` },
        };
        tally.add([{ ...first, submission: { ...first.submission, request } }, ...rest]);
      }
    const { total, by, complete } = tally.figures();
    const heldMb = (heldBytes() - before) / 2 ** 20;
    expect(total.requests).toBe(50_000);
    expect(complete).toBe(false);
    expect(by.identity.length).toBe(2_001);
    expect(by.identity.reduce((sum, { requests }) => sum + requests, 0)).toBe(50_000);
    expect(heldMb).toBeLessThan(100);
  });
});
