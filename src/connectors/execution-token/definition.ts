import { z } from 'zod';
import { text } from '../../contracts/request';
import { defineConnector } from '../definition';
import { loginAndSchema } from '../postgresql/set-up';

export const executionToken = defineConnector({
  kind: 'execution-token',
  title: 'exact actions, each let through once by a token that the gateway hands out',
  gives: 'execution',
  settings: z.strictObject({ url: z.string().min(1) }),
  // The executor gets the whole grant, so it may hold more that only the executor understands, such as a role.
  grant: z.object({ audience: text(200) }).catchall(text(200)),
  leases: 'in-target',
  // A token expires, and an execution opens no session.
  endsByItself: { access: true, sessions: true },
  leavesBehind: [],
  canHoldLedger: false,
  make: async ({ url }, { log }) => {
    const { ExecutionTokenConnector } = await import('./connector.js');
    return new ExecutionTokenConnector({ url, log });
  },
  check: async ({ url }) =>
    (await import('../target-check.js')).checkDatabase(url, ['execution', 'execution_reconciler']),
  setUp: (_, login) => loginAndSchema(login).join('\n'),
});
