export { FORGETFUL } from './forgetful';
export { PostgresqlLedger } from './postgresql-ledger';
