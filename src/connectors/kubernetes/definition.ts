import { z } from 'zod';
import { foreignName } from '../../contracts/request';
import { defineBookConnector } from '../lease-book/define';
import { grantSchema } from './grant';
import { setUpManifest } from './set-up';
import { subjectOf } from './subject';

export const kubernetes = defineBookConnector({
  kind: 'kubernetes',
  title: 'a Role or ClusterRole of a Kubernetes cluster, bound to a user, a group or a service account',
  settings: z.strictObject({
    /** Path of a kubeconfig file, or `in-cluster` for the service account of the pod. */
    kubeconfig: z.string().min(1),
    /** Context of the kubeconfig. Default: its current one. */
    context: z.string().min(1).exactOptional(),
  }),
  grant: grantSchema,
  account: foreignName.refine((account) => subjectOf(account) !== undefined, {
    error: ({ input }) => `"${String(input)}" is a user or a group of Kubernetes itself; name somebody else`,
  }),
  // Bindings have no end of their own. A request that runs (exec, port-forward, watch) was authorised when it began.
  endsByItself: { access: false, sessions: false },
  controls: [
    {
      name: 'admission-policy',
      title: 'Admission policies and Pod Security of the cluster',
      safeWay:
        'Change the workload until the policy admits it, or ask the platform team for a namespace of its own.',
    },
    {
      name: 'audit-policy',
      title: 'Audit log of the API server',
      safeWay: 'Ask the platform team to leave out the one resource that is too much; the log stays.',
    },
    {
      name: 'network-policy',
      title: 'Network policies of the namespaces',
      safeWay: 'Ask the platform team for a rule for the exact destination and port.',
    },
  ],
  leavesBehind: [
    'streams that are open at the end (kubectl exec, port-forward, watch): they go on',
    'what the role lets its holder make (bindings, tokens, workloads): not looked at',
  ],
  target: async (settings, { name }) => new (await import('./target.js')).KubernetesRoles(settings, name),
  check: async (settings, expected) => (await import('./check.js')).checkCluster(settings, expected),
  setUp: setUpManifest,
  environment: {
    example: 'kubeconfig:///home/jonas/.kube/config',
    accepts: ({ protocol, host, pathname }) =>
      protocol === 'kubeconfig:' && host === '' && pathname.length > 1,
    replaces: ['KUBECONFIG'],
    variables: ({ pathname }) => ({ KUBECONFIG: decodeURIComponent(pathname) }),
  },
});
