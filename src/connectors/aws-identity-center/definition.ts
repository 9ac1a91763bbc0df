import { z } from 'zod';
import { defineBookConnector } from '../lease-book/define';
import { setUpPolicy } from './set-up';

export const awsIdentityCenter = defineBookConnector({
  kind: 'aws-identity-center',
  title: 'a permission set on an AWS account, for a user of IAM Identity Center',
  settings: z.strictObject({
    region: z.string().regex(/^[a-z]{2}(?:-[a-z]+)+-\d$/, 'must be a region such as eu-central-1'),
    /** ARN of the instance of IAM Identity Center. */
    instance: z.string().regex(/^arn:[\w-]+:sso:::instance\/\S+$/, 'must be arn:aws:sso:::instance/ssoins-…'),
    /** Id of its identity store, `d-…`. */
    identityStore: z.string().min(1),
  }),
  grant: z.strictObject({
    account: z.string().regex(/^\d{12}$/, 'must be the twelve digits of an account'),
    permissionSet: z
      .string()
      .regex(/^arn:[\w-]+:sso:::\w+\/[\w-]+\/ps-\w+$/, 'must be arn:aws:sso:::permissionSet/ssoins-…/ps-…'),
  }),
  endsByItself: { access: false, sessions: false },
  leavesBehind: [
    'AWS sessions that are open at the end: they live to their own end, by the session duration of the permission set',
    'what the permission set lets its holder make (users, keys, roles): not looked at',
  ],
  target: async (settings) => new (await import('./target.js')).PermissionSets(settings),
  check: async (settings, expected) => (await import('./target.js')).checkCenter(settings, expected),
  setUp: setUpPolicy,
  environment: {
    example: 'aws-profile:///payments-admin',
    accepts: ({ protocol, host, pathname }) =>
      protocol === 'aws-profile:' && host === '' && /^\/[^/]+$/.test(pathname),
    replaces: [
      ...['AWS_PROFILE', 'AWS_DEFAULT_PROFILE'],
      ...['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN'],
    ],
    variables: ({ pathname }) => ({ AWS_PROFILE: decodeURIComponent(pathname.slice(1)) }),
  },
});
