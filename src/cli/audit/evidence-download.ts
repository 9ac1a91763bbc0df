import { evidenceText } from '../../audit/evidence/file';
import type { MakeEvidence } from '../../web/evidence';
import type { Context } from '../context';
import { UserError } from '../output';
import { fetchEvidence } from './source';

/** Makes evidence for the pages of a gateway, as `audit export` does. Evidence with gaps is not given out. */
export const evidenceFor =
  (context: Context): MakeEvidence =>
  async (requestId) => {
    try {
      const { evidence, missing } = await fetchEvidence(`id:${requestId}`, context);
      if (missing.length > 0)
        return {
          made: false,
          why: `its evidence would be incomplete (${missing.length} missing, first: ${missing[0]}); operators set COUNTERSIGN_ARCHIVE for the gateway`,
        };
      return { made: true, text: evidenceText(evidence) };
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      return error.code === 'NOT_FOUND' ? undefined : { made: false, why: error.message };
    }
  };
