import { z } from 'zod';
import { foreignName } from '../../contracts/request';
import { defineBookConnector } from '../lease-book/define';
import { webAddress } from '../web-address';
import { setUpCommands } from './set-up';

export const keycloakGroup = defineBookConnector({
  kind: 'keycloak-group',
  title: 'membership in a group of a realm of Keycloak',
  settings: z.strictObject({
    /** `https://keycloak.example`, with the path below which Keycloak lies, if there is one. */
    url: webAddress,
    realm: z.string().min(1),
    clientId: z.string().min(1),
    clientSecret: z.string().min(1),
  }),
  grant: z.strictObject({
    group: foreignName.refine((group) => /^(?:\/(?!\.{1,2}(?:\/|$))[^/]+)+$/.test(group), {
      error: ({ input }) => `"${String(input)}" is not the path of a group, such as /payments/dba`,
    }),
  }),
  endsByItself: { access: false, sessions: false },
  leavesBehind: [
    'tokens that programs hold already: they name the group until they expire',
    'what the group lets its members change elsewhere: not looked at',
  ],
  target: async (settings) => {
    const { GroupMembership } = await import('../group-membership.js');
    const { KeycloakRealm } = await import('./realm.js');
    return new GroupMembership(new KeycloakRealm(settings));
  },
  check: async (settings, expected) => {
    const { checkGroups } = await import('../group-membership.js');
    const { KeycloakRealm } = await import('./realm.js');
    const realm = new KeycloakRealm(settings);
    const reached = `signed in to ${settings.realm} as ${settings.clientId}`;
    return checkGroups(realm, () => realm.signIn(), reached, expected);
  },
  loginSetting: 'clientId',
  setUp: setUpCommands,
});
