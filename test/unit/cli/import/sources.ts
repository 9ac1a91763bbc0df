/** Files in the formats of other systems, as their documentation describes them. */

export const TELEPORT = `kind: role
version: v7
metadata: { name: developer }
spec:
  allow:
    logins: [ubuntu, '{{internal.logins}}']
    node_labels: { env: dev }
    request:
      roles: ['db-*', root-prod]
      thresholds: [{ approve: 2, deny: 1 }]
      max_duration: 4h
---
kind: role
version: v7
metadata: { name: db-write }
spec:
  options: { max_session_ttl: 8h0m0s, require_session_mfa: true }
  allow:
    db_labels: { env: [prod, staging] }
    db_roles: [payments_write, 'team_*']
    db_users: ['{{external.email}}']
    kubernetes_groups: ['system:masters']
---
kind: role
version: v7
metadata: { name: root-prod }
spec:
  options: { max_session_ttl: 30m }
  allow: { logins: [root], node_labels: { env: prod } }
  deny: { db_roles: [payments_write] }
---
kind: role
version: v7
metadata: { name: dba }
spec:
  allow: { review_requests: { roles: ['db-*', root-prod] } }
  deny: { rules: [{ resources: ['*'], verbs: ['*'] }], logins: null }
---
kind: role
version: v7
metadata: { name: on-call }
spec:
  allow: { review_requests: { roles: [root-prod], where: 'contains(user.spec.traits["a"], "b")' } }
---
kind: user
version: v2
metadata: { name: Mira@example.com }
spec: { roles: [dba, unknown] }
`;

export const KUBERNETES = `apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: { name: deployers, namespace: payments, labels: { team: payments } }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: Role, name: deployer }
subjects:
  - { kind: User, name: jonas@example.com }
  - { kind: Group, name: payments-team }
  - { kind: Group, name: 'system:authenticated' }
  - { kind: ServiceAccount, name: ci, namespace: payments }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: { name: admins }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin }
subjects: [{ kind: User, name: jonas@example.com }, { kind: User, name: 'system:admin' }]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: { name: deployer, namespace: payments }
rules: [{ apiGroups: [''], resources: [pods], verbs: ['*'] }]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: { name: nowhere }
roleRef: { kind: ClusterRole, name: view }
subjects: [{ kind: User, name: ada }]
`;

export const TEAM = JSON.stringify(
  {
    data: {
      listEligibilities: {
        items: [
          {
            id: 'g-1',
            name: 'Developers',
            type: 'Group',
            accounts: [
              { name: 'prod', id: '111111111111' },
              { name: 'dev', id: '222222222222' },
            ],
            ous: [{ name: 'Sandbox', id: 'ou-1' }],
            permissions: [{ name: 'ReadOnly', id: 'arn:aws:sso:::permissionSet/ssoins-1234/ps-abcd' }],
            ticketNo: 'T1',
            approvalRequired: false,
            duration: '8',
          },
          {
            id: 'u-1',
            name: 'mira@example.com',
            type: 'User',
            accounts: [{ name: 'prod', id: '111111111111' }],
            ous: [],
            permissions: [{ name: 'Admin', id: 'arn:aws:sso:::permissionSet/ssoins-1234/ps-efgh' }],
            approvalRequired: true,
            duration: '8000',
          },
        ],
      },
    },
  },
  null,
  1,
);

export const TEAM_APPROVERS = JSON.stringify(
  {
    Items: [
      {
        id: { S: '111111111111' },
        name: { S: 'prod' },
        type: { S: 'Account' },
        approvers: { L: [{ S: 'Leads' }] },
        groupIds: { L: [{ S: 'g-9' }] },
      },
      {
        id: { S: 'ou-1' },
        type: { S: 'OU' },
        approvers: { L: [{ S: 'All' }] },
        groupIds: { L: [{ S: 'g-8' }] },
      },
    ],
    Count: 2,
  },
  null,
  1,
);

export const SSO_ELEVATOR = JSON.stringify(
  {
    statements: [
      {
        ResourceType: 'Account',
        Resource: ['111111111111'],
        PermissionSet: ['ReadOnly', 'Admin'],
        Approvers: ['bob@corp.com', 'alice@corp.com'],
        AllowSelfApproval: true,
      },
      { ResourceType: 'Account', Resource: '*', PermissionSet: '*', Approvers: 'cto@corp.com' },
      { ResourceType: 'OU', Resource: 'ou-1', PermissionSet: 'ReadOnly', Approvers: 'cto@corp.com' },
      {
        Resource: '111111111111',
        PermissionSet: 'Admin',
        Approvers: 'ciso@corp.com',
        ApprovalIsNotRequired: true,
      },
    ],
    group_statements: [{ Resource: ['99999999-8888-7777-6666-555555555555'], Approvers: ['x@corp.com'] }],
  },
  null,
  1,
);

export const CODEOWNERS = `# everything
*       @acme/platform
/docs/  @acme/docs ada@example.com # the writers
*.go    @grace
/docs/  @acme/writers
/vendor/
with\\ space/ @grace not-an-owner
[Section] @acme/platform
*.rb    @grace
`;
