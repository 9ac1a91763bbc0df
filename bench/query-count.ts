import { Client } from 'pg';

let sent = 0;

/** Counts every query that this process sends to PostgreSQL from now on. */
export function countQueries(): void {
  const { query } = Client.prototype;
  Object.defineProperty(Client.prototype, 'query', {
    value: function counted(this: Client, ...args: unknown[]) {
      sent += 1;
      return Reflect.apply(query, this, args);
    },
  });
}

export const queriesSent = (): number => sent;
