import type { LinkedPrecedent } from '../../../src/domain/assessment';
import { withAskers } from '../../../src/domain/precedent-askers';
import type { Submission } from '../../../src/domain/request';
import { aRequest, START } from '../../support/domain/builders';
import { BENEFICIARY, LEAD_1, REQUESTER } from '../../support/domain/people';
import { DirectoryInMemory, submitted } from '../../support/domain/ports';

const denied = (id: string): LinkedPrecedent => ({
  kind: 'denied',
  id,
  about: 'ledger:payments#write',
  atMs: START,
});
const earlier = (id: string, signer: string = REQUESTER): Submission =>
  submitted(aRequest({ id, requester: REQUESTER, beneficiary: BENEFICIARY }), signer);

const named = (
  precedents: readonly LinkedPrecedent[],
  known: readonly Submission[],
  request = aRequest({ requester: REQUESTER, beneficiary: BENEFICIARY }),
) =>
  withAskers(
    precedents,
    request,
    async (id) => known.find((submission) => submission.request.id === id),
    new DirectoryInMemory(),
  );

describe('TTA-3 whose an earlier request was is said only where a signature proves it', () => {
  test('its requester signed it: both are named, and the rest stays as it was', async () => {
    expect(await named([denied('request-0009')], [earlier('request-0009')])).toEqual([
      { ...denied('request-0009'), requester: REQUESTER, beneficiary: BENEFICIARY },
    ]);
  });

  test('somebody else signed it, or it can no longer be read: nobody is named', async () => {
    expect(await named([denied('request-0009')], [earlier('request-0009', LEAD_1)])).toEqual([
      denied('request-0009'),
    ]);
    expect(await named([denied('request-0009')], [])).toEqual([denied('request-0009')]);
  });

  test('what was read is another request: nobody is named', async () => {
    const other = async () => earlier('request-0008');
    expect(await withAskers([denied('request-0009')], aRequest(), other, new DirectoryInMemory())).toEqual([
      denied('request-0009'),
    ]);
  });

  test('a reported denial was of the beneficiary only if nobody else asks now', async () => {
    const reported: LinkedPrecedent = { ...denied('report-1'), kind: 'reported-denial' };
    expect(await named([reported], [])).toEqual([reported]);
    const own = aRequest({ requester: BENEFICIARY, beneficiary: BENEFICIARY });
    expect(await named([reported], [], own)).toEqual([{ ...reported, beneficiary: BENEFICIARY }]);
  });

  test('the first sixteen are named, the others are shown without a name', async () => {
    const ids = Array.from({ length: 18 }, (_, index) => `request-${1_000 + index}`);
    const rows = await named(
      ids.map(denied),
      ids.map((id) => earlier(id)),
    );
    expect(rows.map(({ requester }) => requester !== undefined)).toEqual(ids.map((_, index) => index < 16));
  });
});
