import { checkDatabase } from '../connectors/target-check';
import { MOST_ROWS } from '../contracts/enrolment';
import { SILENT_LOGGER } from '../contracts/logger';
import type { Environment } from '../contracts/settings';
import { judgeRegister } from '../directory/register/judge';
import { RetirementMemory } from '../directory/register/memory';
import { Register } from '../directory/register/register';
import { registerAddress } from '../ledger';
import type { LoadedBundle } from '../policy';
import { rowSignatures } from '../signing/enrolment';
import type { Finding } from './finding';

const what = 'register of passkeys';

/** Checks the register on its database: reach, what counts, and whether rows that were seen here are gone. Returns nothing without an address. */
export async function checkRegister(
  { connectors, file }: Pick<LoadedBundle, 'connectors' | 'file'>,
  env: Environment,
  stateDir: string,
): Promise<readonly Finding[]> {
  const url = addressIn(connectors, env);
  if (url === undefined) return [];
  const wrong = (await checkDatabase(url, ['register_row'])).filter(({ ok }) => !ok);
  if (wrong.length > 0)
    return [{ what, ok: false, detail: wrong.map((one) => `${one.what}: ${one.detail}`).join('; ') }];
  const register = new Register({ url, logger: SILENT_LOGGER });
  try {
    const rows = await register.current();
    if (register.readAtMs === undefined)
      return [
        {
          what,
          ok: false,
          detail: `cannot be read, or has more than ${MOST_ROWS} rows; see the gateway's log`,
        },
      ];
    const ids = new Set(rows.map(({ id }) => id));
    const memory = new RetirementMemory(stateDir, SILENT_LOGGER);
    const gone = memory.read().flatMap((row) => (row.kind === 'retired' && !ids.has(row.id) ? [row] : []));
    if (gone.length > 0) {
      const keys = gone.slice(0, 3).map(({ retirement }) => retirement.claims.keyId.slice(0, 12));
      const detail = `${gone.length} retirements that were read here are gone from it (${keys.join(', ')}); somebody deletes rows. Set "revoked: true" for these keys in directory.yaml`;
      return [{ what, ok: false, detail }];
    }
    const { keys, retired } = await judgeRegister(rows, file, rowSignatures());
    return [
      {
        what,
        ok: true,
        detail: `${keys.size} passkeys count, ${retired.size} are retired, ${rows.length} rows`,
      },
    ];
  } finally {
    await register.close();
  }
}

function addressIn(...args: Parameters<typeof registerAddress>): string | undefined {
  try {
    return registerAddress(...args);
  } catch {
    return undefined;
  }
}
