import {
  Attribute,
  Change,
  type Client,
  EqualityFilter,
  NoSuchAttributeError,
  NoSuchObjectError,
  TypeOrValueExistsError,
} from 'ldapts';
import type { CatalogGrant, Drift } from '../contract';
import type { Access, BookTarget } from '../lease-book/target';
import { entryAt, type LdapSettings, withDirectory } from './directory';

/** Membership in groups of an LDAP directory, one value of the group's entry for each member (RFC 4511 section 4.6). */
export class LdapGroups implements BookTarget {
  constructor(private readonly settings: LdapSettings) {}

  nameOf({ group }: CatalogGrant): string | undefined {
    return group;
  }

  refuse({ account, grant }: Access): Promise<string | undefined> {
    return this.#with((client) => refusalOf(client, this.settings, account, grant));
  }

  holds({ account, grant }: Access): Promise<boolean> {
    return this.#with(async (client) => {
      try {
        return await client.compare(groupOf(grant), attributeOf(grant), account);
      } catch (error) {
        if (isAbsent(error)) return false;
        throw error;
      }
    });
  }

  give({ account, grant }: Access): Promise<void> {
    return this.#with(async (client) => {
      try {
        await client.modify(groupOf(grant), changeOf('add', grant, account));
      } catch (error) {
        if (!(error instanceof TypeOrValueExistsError)) throw error;
      }
    });
  }

  take({ account, grant }: Access): Promise<void> {
    return this.#with(async (client) => {
      try {
        await client.modify(groupOf(grant), changeOf('delete', grant, account));
      } catch (error) {
        if (!isAbsent(error)) throw error;
      }
    });
  }

  holders(grants: readonly CatalogGrant[], accounts: readonly string[]): Promise<readonly Drift[]> {
    const known = new Map(accounts.map((account) => [plainDn(account), account]));
    const own = plainDn(this.settings.bindDn);
    return this.#with(async (client) => {
      const held: Drift[] = [];
      for (const grant of grants) {
        const group = groupOf(grant);
        const entry = await entryAt(client, group, [attributeOf(grant)]);
        const members = [entry?.[attributeOf(grant)] ?? []].flat().map(String);
        // The connector's own login can be the permanent member that a group may not be without.
        for (const member of members.filter((one) => plainDn(one) !== own))
          held.push({ account: known.get(plainDn(member)) ?? member, grant: group });
      }
      return held;
    });
  }

  async close(): Promise<void> {}

  #with<T>(work: (client: Client) => Promise<T>): Promise<T> {
    return withDirectory(this.settings, work);
  }
}

/** Returns why an account cannot be put into a group, or undefined. */
export async function refusalOf(
  client: Client,
  { peopleDn }: LdapSettings,
  account: string,
  grant: CatalogGrant,
): Promise<string | undefined> {
  const attribute = attributeOf(grant);
  if ((await entryAt(client, groupOf(grant), ['objectClass'])) === undefined)
    return `there is no group ${groupOf(grant)}, or the connector's login may not see it`;
  if (attribute !== 'memberUid') return unknownDn(client, account);
  if (peopleDn === undefined)
    return 'a group with memberUid needs the setting PEOPLE_DN, where people are looked up';
  const filter = new EqualityFilter({ attribute: 'uid', value: account });
  const { searchEntries } = await client.search(peopleDn, { filter, attributes: ['uid'], sizeLimit: 2 });
  return searchEntries.length > 0 ? undefined : `there is nobody with the uid ${account} below ${peopleDn}`;
}

async function unknownDn(client: Client, account: string): Promise<string | undefined> {
  if (!/^\s*[\w.-]+\s*=/.test(account))
    return `the account ${account} is not a DN; groups with this attribute name their members by DN`;
  const entry = await entryAt(client, account, ['objectClass']);
  return entry === undefined
    ? `there is no entry ${account}, or the connector's login may not see it`
    : undefined;
}

export const groupOf = ({ group = '' }: CatalogGrant): string => group;
export const attributeOf = ({ attribute = 'member' }: CatalogGrant): string => attribute;

/** Returns the change of a group by one member. */
export const changeOf = (operation: 'add' | 'delete', grant: CatalogGrant, account: string) =>
  new Change({ operation, modification: new Attribute({ type: attributeOf(grant), values: [account] }) });

const isAbsent = (error: unknown): boolean =>
  error instanceof NoSuchAttributeError || error instanceof NoSuchObjectError;

/** Writes a DN so that two spellings that every directory takes for one are the same text. */
const plainDn = (dn: string): string =>
  dn
    .replace(/\s*([,=+])\s*/g, '$1')
    .trim()
    .toLowerCase();
