export { ledgerAddress, registerAddress } from './address';
export { FORGETFUL } from './forgetful';
export { LEDGER_TABLES } from './migrations';
export { PostgresqlLedger } from './postgresql-ledger';
