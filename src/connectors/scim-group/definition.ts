import { z } from 'zod';
import { foreignName } from '../../contracts/request';
import { defineBookConnector } from '../lease-book/define';
import { webAddress } from '../web-address';

export const scimGroup = defineBookConnector({
  kind: 'scim-group',
  title: 'membership in a group of a service that speaks SCIM 2.0',
  settings: z.strictObject({
    /** The base address, such as `https://directory.example/scim/v2`. */
    url: webAddress,
    /** The bearer token of the connector. */
    token: z.string().min(1),
  }),
  grant: z.strictObject({ group: foreignName }),
  endsByItself: { access: false, sessions: false },
  leavesBehind: [
    'what programs cached of the membership: it counts there until they look again',
    'what the group lets its members change elsewhere: not looked at',
  ],
  target: async (settings) => {
    const { GroupMembership } = await import('../group-membership.js');
    const { ScimService } = await import('./service.js');
    return new GroupMembership(new ScimService(settings));
  },
  check: async (settings, expected) => {
    const { checkGroups } = await import('../group-membership.js');
    const { ScimService } = await import('./service.js');
    const service = new ScimService(settings);
    return checkGroups(service, () => service.reach(), 'the service answers', expected);
  },
  setUp: ({ grants }) =>
    [
      '# Make a bearer token for the connector that may read Users and Groups, and PATCH the members of these groups:',
      ...[...new Set(grants.flatMap(({ group }) => group ?? []))].map((group) => `#   ${group}`),
    ].join('\n'),
});
