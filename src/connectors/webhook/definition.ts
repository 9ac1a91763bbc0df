import { z } from 'zod';
import { foreignName } from '../../contracts/request';
import { defineBookConnector } from '../lease-book/define';
import { webAddress } from '../web-address';

export const webhook = defineBookConnector({
  kind: 'webhook',
  title: 'anything that a service of your own gives, asked for by signed messages',
  settings: z.strictObject({
    /** `https://…`, or `http://…` on this machine. */
    url: webAddress,
    /** The secret that messages are signed with (Standard Webhooks): `whsec_` and 24 to 64 bytes in Base64. */
    secret: z
      .string()
      .regex(/^whsec_[A-Za-z0-9+/]{32,88}={0,2}$/, 'must be whsec_ and 24 to 64 bytes in Base64'),
  }),
  // Whatever the service understands.
  grant: z.record(foreignName, foreignName).refine((grant) => Object.keys(grant).length > 0, {
    error: 'say what the service is to give, such as { group: dba }',
  }),
  // The service is told the end and may keep it too. The worker relies on neither.
  endsByItself: { access: false, sessions: false },
  leavesBehind: ['what the service lets a holder make: ask its authors'],
  target: async (settings) => new (await import('./target.js')).WebhookTarget(settings),
  check: async (settings, expected) => (await import('./check.js')).checkService(settings, expected),
  setUp: () =>
    [
      '# Give the service and the workers one secret, 32 random bytes:',
      'printf \'whsec_%s\\n\' "$(openssl rand -base64 32)"',
      '# The service verifies each message with it (docs/targets/webhook.md). Try the service:',
      'countersign connector test URL --secret-file FILE --account ACCOUNT --grant group=NAME',
    ].join('\n'),
});
