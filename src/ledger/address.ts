import { type Declared, databasesOf, LEDGER } from '../connectors/index';
import { addressOf, type Environment, isSet, readSetting } from '../connectors/settings';

/**
 * The address of the ledger: `COUNTERSIGN_LEDGER_URL`, or the file that `COUNTERSIGN_LEDGER_URL_FILE` names. Without either,
 * it lies beside the leases of the only PostgreSQL target. If there are several, none is chosen: the order of a catalog
 * means nothing, and a ledger in another place has forgotten every denial, debt and open grant.
 *
 * @throws Error of one line, without the address, if there is no setting and not exactly one such target
 */
export function ledgerAddress(declared: readonly Declared[], env: Environment): string {
  if (isSet(LEDGER, env)) return readSetting('ledger', LEDGER, env);
  const [only, ...others] = databasesOf(declared);
  if (only === undefined) throw new Error(`ledger: set ${LEDGER} to a PostgreSQL database`);
  if (others.length > 0)
    throw new Error(
      `ledger: ${[only, ...others].map(({ name }) => name).join(' and ')} are PostgreSQL, and one of them may hold it already; set ${LEDGER} to the database where it is`,
    );
  return addressOf(only.name, env);
}

const REGISTER = 'COUNTERSIGN_REGISTER_URL';

/**
 * The address of the register of enrolled keys: `COUNTERSIGN_REGISTER_URL`, or the file that `COUNTERSIGN_REGISTER_URL_FILE` names.
 * Without either, it lies beside the ledger.
 *
 * @throws Error of one line, without the address, as `ledgerAddress` does
 */
export const registerAddress = (declared: readonly Declared[], env: Environment): string =>
  isSet(REGISTER, env) ? readSetting('register', REGISTER, env) : ledgerAddress(declared, env);
