import { z } from 'zod';
import { sshAccount, sshGrant } from '../../ssh-ca/terms';
import { defineBookConnector } from '../lease-book/define';
import { holderEnvironment } from './holder';
import { setUpText } from './set-up';

export const sshCertificate = defineBookConnector({
  kind: 'ssh-certificate',
  title: 'logins on hosts by SSH certificates, which the gateway signs for a key of the holder',
  settings: z.strictObject({
    /**
     * Path of the private key of the certificate authority, without a passphrase. With `agent`, the path of its public key. Only the
     * gateway needs it.
     */
    ca: z.string().min(1).exactOptional(),
    /** Socket of the ssh-agent that holds the private key. */
    agent: z.string().min(1).exactOptional(),
  }),
  grant: sshGrant,
  account: sshAccount,
  // The gateway reads there for which leases it may sign.
  ownTables: ['ssh_grant'],
  // A certificate expires with the lease. A session that is open then goes on.
  endsByItself: { access: true, sessions: false },
  leavesBehind: [
    'SSH sessions that are open at the end: they go on until the host or `countersign run` ends them',
    'what a login lets its holder make on a host (keys, jobs, processes): not looked at',
  ],
  target: async (_, { name, leaseBook, log }) =>
    new (await import('./target.js')).SshCertificates(name, { url: leaseBook(), log }),
  check: async (settings, expected) => (await import('./check.js')).checkAuthority(settings, expected),
  setUp: setUpText,
  environment: holderEnvironment,
});
