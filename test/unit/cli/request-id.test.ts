import { checkRequestId, resolveRequestId, shortIds } from '../../../src/cli/request-id';
import { CountersignClient, CountersignError, type RequestRow } from '../../../src/client';

const FIRST = 'dc933e65-0ee3-4fa2-84ba-62e18fd44f7e';
const SECOND = 'dc9aaaaa-0ee3-4fa2-84ba-62e18fd44f7e';

const row = (id: string): RequestRow => ({
  id,
  basis: 'server',
  status: 'awaiting_approval',
  requester: 'ci/payments',
  beneficiary: 'ci/payments',
  entitlement: 'warehouse:payments#write',
  awaiting: [],
  startedAt: new Date(0),
  emergency: false,
});

/** A client whose list has some requests, and which knows others that are not on the list yet. */
class ListedClient extends CountersignClient {
  constructor(
    private readonly listed: readonly string[],
    private readonly unlisted: readonly string[] = [],
  ) {
    // Nothing here gets as far as the server.
    super(Object.create(null));
  }

  override async list({
    idPrefix = '',
  }: {
    readonly idPrefix?: string;
  } = {}): Promise<readonly RequestRow[]> {
    return this.listed.filter((id) => id.startsWith(idPrefix)).map(row);
  }

  override async submissionOf(id: string): Promise<never> {
    if ([...this.listed, ...this.unlisted].includes(id)) return Promise.resolve() as Promise<never>;
    throw new CountersignError('NOT_FOUND', 'there is no such request');
  }
}

const resolved = (typed: string, ...[listed, unlisted]: ConstructorParameters<typeof ListedClient>) =>
  resolveRequestId(new ListedClient(listed, unlisted), typed);

describe('the beginning of an id stands for the request if no other id begins so', () => {
  test.each(['dc93', 'dc933e65', 'dc933e65-0ee3', FIRST])('%s', async (typed) => {
    expect(await resolved(typed, [FIRST, SECOND])).toBe(FIRST);
  });

  test('fewer than four characters are wrong usage', () => {
    expect(() => checkRequestId('dc9')).toThrow(/not a request id, nor the beginning of one \(4 to 64/);
  });

  test('several candidates are listed and none is chosen', async () => {
    await expect(resolved('dc9a', ['dc9aaaaa-1', 'dc9abbbb-2'])).rejects.toMatchObject({
      code: 'AMBIGUOUS',
      exitCode: 1,
      message: expect.stringMatching(/dc9aaaaa-1 \(awaiting_approval, warehouse:payments#write.*dc9abbbb-2/),
    });
  });

  test('none is not found', async () => {
    await expect(resolved('0000', [FIRST])).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('TTA-3 an id that somebody made up afterwards does not take the place of the one that is meant', () => {
  test('a request whose whole id is the beginning of another makes both ambiguous', async () => {
    await expect(resolved('dc933e65', [FIRST, 'dc933e65'])).rejects.toMatchObject({ code: 'AMBIGUOUS' });
    await expect(resolved('dc933e65', [FIRST], ['dc933e65'])).rejects.toMatchObject({ code: 'AMBIGUOUS' });
  });

  test('id: names exactly one, and so does a UUID', async () => {
    expect(await resolved('id:dc933e65', [FIRST, 'dc933e65'])).toBe('dc933e65');
    expect(await resolved(FIRST, [FIRST, `${FIRST}-2`])).toBe(FIRST);
  });

  test('a request that is not on the list yet is found by its whole id', async () => {
    expect(await resolved('deploy-42', [], ['deploy-42'])).toBe('deploy-42');
  });
});

test('a list shows at least eight characters, and as many as tell the ids apart', () => {
  const short = shortIds([FIRST, SECOND, 'deploy-42', 'deploy-421']);
  expect([FIRST, 'deploy-42', 'deploy-421'].map(short)).toEqual(['dc933e65', 'deploy-42', 'deploy-421']);
});
