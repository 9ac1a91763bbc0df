import { z } from 'zod';
import { foreignName } from '../contracts/request';

/** Characters that OpenSSH gives a meaning in lists of principals and in AuthorizedPrincipalsFile are left out. */
const PRINCIPAL = /^[^\s,"'\\#*?!=]{1,64}$/u;
const ACCOUNT_PLACE = '{account}';
/** What a certificate can permit besides running commands. All of it is off unless the grant says otherwise. */
const PERMITS = ['pty', 'port-forwarding', 'agent-forwarding', 'X11-forwarding', 'user-rc'] as const;

const listOf = <T extends z.ZodType>(item: T, error: string) =>
  foreignName.refine((text) => text.split(',').every((one) => item.safeParse(one.trim()).success), { error });

const address = z.union([z.cidrv4(), z.cidrv6(), z.ipv4(), z.ipv6()]);

/** What the catalog says about an entitlement: who a holder may log in as, from where, and to run what. */
export const sshGrant = z.strictObject({
  /** Names that the hosts know, separated by commas. `{account}` stands for the account of the holder. */
  principals: listOf(
    z.string().refine((one) => one === ACCOUNT_PLACE || PRINCIPAL.test(one)),
    'must be names of principals, separated by commas, such as deploy or {account}',
  ),
  /** Addresses or networks from which the certificate counts, separated by commas. Anywhere if absent. */
  sourceAddress: listOf(
    address,
    'must be addresses or networks, separated by commas, such as 10.0.0.0/8',
  ).exactOptional(),
  /** The only command that it runs, whatever the holder asks for. */
  forceCommand: foreignName.exactOptional(),
  /** `pty` if absent, and nothing if there is a command. */
  permit: listOf(
    z.enum(['none', ...PERMITS]),
    `must be none, or some of ${PERMITS.join(', ')}, separated by commas`,
  ).exactOptional(),
});

/** An account that `{account}` can stand for. */
export const sshAccount = foreignName.refine((account) => PRINCIPAL.test(account), {
  error: ({ input }) =>
    `"${String(input)}" cannot be a principal of SSH: 64 characters at most, no spaces, commas or quotes`,
});

/** What a certificate says. */
export interface CertificateTerms {
  readonly principals: readonly string[];
  readonly sourceAddress?: string;
  readonly forceCommand?: string;
  readonly permits: readonly string[];
}

/** Returns what a certificate says for an account, or undefined if this is no grant for certificates. */
export function termsOf(grant: unknown, account: string): CertificateTerms | undefined {
  const parsed = sshGrant.safeParse(grant);
  if (!parsed.success || !sshAccount.safeParse(account).success) return undefined;
  const { principals, sourceAddress, forceCommand, permit } = parsed.data;
  const permits = namesIn(permit ?? (forceCommand === undefined ? 'pty' : 'none'));
  return {
    principals: namesIn(principals).map((one) => (one === ACCOUNT_PLACE ? account : one)),
    ...(sourceAddress !== undefined && { sourceAddress: namesIn(sourceAddress).join(',') }),
    ...(forceCommand !== undefined && { forceCommand }),
    permits: permits.filter((one) => one !== 'none'),
  };
}

/** Returns the name of a grant for people, the same for equal grants. Undefined if this is none. */
export function nameOfGrant(grant: unknown): string | undefined {
  const parsed = sshGrant.safeParse(grant);
  if (!parsed.success) return undefined;
  const { principals, sourceAddress, forceCommand, permit } = parsed.data;
  return [
    namesIn(principals).sort().join(', '),
    ...(sourceAddress === undefined ? [] : [`from ${namesIn(sourceAddress).sort().join(', ')}`]),
    ...(permit === undefined ? [] : [`with ${namesIn(permit).sort().join(', ')}`]),
    ...(forceCommand === undefined ? [] : [`to run ${forceCommand}`]),
  ].join(' ');
}

const namesIn = (list: string): string[] => [...new Set(list.split(',').map((one) => one.trim()))];
