import { z } from 'zod';
import { foreignName } from '../../contracts/request';
import { defineBookConnector } from '../lease-book/define';
import { setUpText } from './set-up';

/** The attributes by which groups name their members. `memberUid` holds the login name, the others a DN. */
const MEMBER_ATTRIBUTES = ['member', 'uniqueMember', 'memberUid'] as const;

const dn = foreignName.refine((text) => /^\s*[\w.-]+\s*=/.test(text), {
  error: ({ input }) => `"${String(input)}" is not a DN such as cn=dba,ou=groups,dc=example,dc=com`,
});

export const ldapGroup = defineBookConnector({
  kind: 'ldap-group',
  title: 'membership in a group of an LDAP directory',
  settings: z.strictObject({
    /** `ldaps://HOST`, or `ldap://HOST`, which is upgraded to TLS. */
    url: z.string().regex(/^ldaps?:\/\/[^/?#]+\/?$/, 'must be ldaps://HOST or ldap://HOST'),
    bindDn: z.string().min(1),
    password: z.string().min(1),
    /** `none` sends the password and everything else in the clear. Only for a directory on this machine. */
    tls: z.enum(['required', 'none']).default('required'),
    /** File with the certificates of the authorities that the directory's certificate is checked by. Default: those of Node. */
    caFile: z.string().min(1).exactOptional(),
    /** Where the people of groups with `memberUid` are looked up, by `uid`. */
    peopleDn: z.string().min(1).exactOptional(),
  }),
  grant: z.strictObject({ group: dn, attribute: z.enum(MEMBER_ATTRIBUTES).exactOptional() }),
  // Active Directory can end a membership by itself (expiring links); this connector does not use it. LDAP has no sessions to end.
  endsByItself: { access: false, sessions: false },
  controls: [
    {
      name: 'password-policy',
      title: 'Password policy of the directory',
      safeWay: 'Ask the administrators of the directory for a second way to sign in; the policy stays.',
    },
    {
      name: 'access-log',
      title: 'Log of what was read and changed in the directory',
      safeWay: 'Ask the administrators of the directory for a filter; the log stays.',
    },
  ],
  leavesBehind: ['what the group lets its members change elsewhere: not looked at'],
  target: async (settings) => new (await import('./target.js')).LdapGroups(settings),
  check: async (settings, expected) => (await import('./check.js')).checkDirectory(settings, expected),
  loginSetting: 'bindDn',
  setUp: setUpText,
});
