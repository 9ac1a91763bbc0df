import { SshAuthority } from '../../ssh-ca/authority';
import { nameOfGrant, sshAccount, sshGrant, termsOf } from '../../ssh-ca/terms';
import type { Expected, TargetCheck } from '../target-check';
import { tryNames } from '../try-names';

/** Any key will do to try whether the authority signs: nobody has its private part. */
const TRIAL_KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea';
const TRIAL_MS = 60_000;

/** Checks that the authority signs here, and that certificates can say what the bundle grants. Changes nothing. */
export function checkAuthority(
  { ca, agent }: { readonly ca?: string; readonly agent?: string },
  expected: Expected,
): Promise<readonly TargetCheck[]> {
  const lookups = {
    reach: async () => {
      if (ca === undefined)
        return agent === undefined ? undefined : 'the agent holds a key, and CA has to name its public part';
      const authority = new SshAuthority({ connector: 'check', ca, ...(agent !== undefined && { agent }) });
      const terms = { principals: ['nobody'], permits: [] };
      const lease = { leaseId: 'check', expiresAtMs: Date.now() + TRIAL_MS };
      await authority.sign(TRIAL_KEY, terms, lease, Date.now());
      await authority.revocationList([lease.leaseId], Date.now());
      return undefined;
    },
    reached: ca === undefined ? 'no authority is set here; only the gateway needs it' : 'the authority signs',
    nameOf: (grant: Expected['grants'][number]) => nameOfGrant(grant) ?? JSON.stringify(grant),
    grant: async (grant: Expected['grants'][number]) =>
      sshGrant.safeParse(grant).error?.issues[0]?.message ??
      (termsOf(grant, 'someone') === undefined ? 'no certificate can say this' : undefined),
    account: async (account: string) => sshAccount.safeParse(account).error?.issues[0]?.message,
  };
  return tryNames(lookups, expected);
}
