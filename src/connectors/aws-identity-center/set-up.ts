import type { Expected } from '../target-check';

/** Returns the IAM policy for the connector's role: assign these permission sets on these accounts, and read who has them. */
export function setUpPolicy({ grants }: Expected): string {
  const sets = [...new Set(grants.flatMap(({ permissionSet }) => permissionSet ?? []))];
  const accounts = [...new Set(grants.flatMap(({ account }) => account ?? []))];
  const instances = [...new Set(sets.map((arn) => arn.replace(/permissionSet\/([^/]+)\/.*/, 'instance/$1')))];
  const policy = {
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Action: ['sso:CreateAccountAssignment', 'sso:DeleteAccountAssignment', 'sso:ListAccountAssignments'],
        Resource: [...instances, ...sets, ...accounts.map((id) => `arn:aws:sso:::account/${id}`)],
      },
      {
        Effect: 'Allow',
        Action: [
          'sso:DescribePermissionSet',
          'sso:DescribeAccountAssignmentCreationStatus',
          'sso:DescribeAccountAssignmentDeletionStatus',
        ],
        Resource: [...instances, ...sets],
      },
      { Effect: 'Allow', Action: ['identitystore:GetUserId', 'identitystore:DescribeUser'], Resource: '*' },
    ],
  };
  return JSON.stringify(policy, null, 2);
}
