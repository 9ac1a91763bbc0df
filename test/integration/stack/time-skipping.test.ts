import { createTimeSkippingEnvironment } from '../../support/time-skipping';

it('has a server whose clock jumps ahead', async () => {
  const environment = await createTimeSkippingEnvironment();
  try {
    const before = await environment.currentTimeMs();
    const since = Date.now();
    await environment.sleep('30 days');
    expect((await environment.currentTimeMs()) - before).toBeGreaterThanOrEqual(30 * 24 * 3_600_000);
    expect(Date.now() - since).toBeLessThan(10_000);
  } finally {
    await environment.teardown();
  }
});
