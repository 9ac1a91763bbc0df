import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Attribute, Change } from 'ldapts';
import { SILENT_LOGGER } from '../../../src/contracts/logger';
import { SnapshotStore } from '../../../src/directory/sources/store';
import type { BundleSource } from '../../../src/policy';
import { createBundleSource, FileTicketSource, type LoadedBundle, withSources } from '../../../src/policy';
import { generateKey } from '../../../src/signing/keys';
import { runDirectory } from '../../support/directory-command';
import { LOGIN, PASSWORD, TestLdap } from '../../support/ldap';
import { exampleBundleCopy, spoiled } from '../../support/policy/spoiled-bundle';
import { startPostgres, type TestPostgres } from '../../support/postgres';

const READER = ['--as', 'service/directory', '--key'] as const;

/** A company whose administrators of databases are in an LDAP directory, with a bundle that takes them from there. */
export class Office {
  readonly lines: string[] = [];
  readonly #stores: SnapshotStore[] = [];

  private constructor(
    readonly ldap: TestLdap,
    readonly postgres: TestPostgres,
    readonly bundle: string,
    readonly keys: string,
  ) {}

  static async open(): Promise<Office> {
    const [ldap, postgres] = [await TestLdap.start(), await startPostgres()];
    const keys = mkdtempSync(path.join(tmpdir(), 'countersign-office-'));
    const bundle = exampleBundleCopy();
    const office = new Office(ldap, postgres, bundle, keys);
    const spoil = (search: string, replacement: string) =>
      spoiled(path.join(bundle, 'directory.yaml'), search, replacement);
    const keyOf = async (name: string) => {
      const { privateJwkText, publicJwk } = await generateKey();
      writeFileSync(office.key(name), privateJwkText, { mode: 0o600 });
      return JSON.stringify([{ jwk: publicJwk, assurance: 'key', channel: 'cli' }]);
    };
    spoil(
      'identities:\n',
      `identities:\n  service/directory: { title: Reads the sources, owner: person/david, sponsor: person/oskar, keys: ${await keyOf('directory')} }\n`,
    );
    spoil('{ name: Nadia', `{ keys: ${await keyOf('nadia')}, name: Nadia`);
    spoil('{ name: Felix', `{ keys: ${await keyOf('felix')}, name: Felix`);
    spoil('members: [person/david, person/aiko]', 'members: []');
    writeFileSync(path.join(keys, 'ldap'), `${PASSWORD}\n`);
    writeFileSync(path.join(bundle, 'sources.yaml'), office.#sources());
    await ldap.asRoot(async (client) => {
      await client.add('ou=groups,dc=example,dc=com', { objectClass: 'organizationalUnit', ou: 'groups' });
    });
    return office;
  }

  key(name: string): string {
    return path.join(this.keys, `${name}.jwk`);
  }

  #sources(): string {
    return `readers: [service/directory]
staleAfter: 1h
sources:
  office:
    kind: ldap
    url: ${this.ldap.url}
    bindDn: ${LOGIN}
    passwordFile: ${path.join(this.keys, 'ldap')}
    tls: none
    people:
      base: ou=people,dc=example,dc=com
      filter: (employeeType=staff)
      manager: manager
      endDate: departmentNumber
      disabled: { attribute: businessCategory, values: [locked] }
      accounts: { warehouse: employeeNumber }
    groupsBase: ou=groups,dc=example,dc=com
    groups: { dba: { from: database-admins, most: 6 } }
    roles: { security-operations: security }
`;
  }

  /** Adds or changes somebody. `undefined` takes an attribute away by leaving it out. */
  async person(uid: string, attributes: Readonly<Record<string, string>> = {}): Promise<void> {
    const dn = personDn(uid);
    await this.ldap.asRoot(async (client) => {
      await client.del(dn).catch(() => undefined);
      await client.add(dn, {
        objectClass: 'inetOrgPerson',
        cn: `Name of ${uid}`,
        sn: uid,
        employeeType: 'staff',
        ...attributes,
      });
    });
  }

  async change(uid: string, attribute: string, value: string): Promise<void> {
    await this.ldap.asRoot((client) =>
      client.modify(
        personDn(uid),
        new Change({
          operation: 'replace',
          modification: new Attribute({ type: attribute, values: [value] }),
        }),
      ),
    );
  }

  async remove(uid: string): Promise<void> {
    await this.ldap.asRoot((client) => client.del(personDn(uid)));
  }

  async group(name: string, members: readonly string[]): Promise<void> {
    await this.ldap.asRoot(async (client) => {
      await client.del(groupDn(name)).catch(() => undefined);
      await client.add(groupDn(name), { objectClass: 'groupOfNames', cn: name, member: [...members] });
    });
  }

  /** What a process has in force that began before now. */
  async process(nowMs?: () => number): Promise<BundleSource<LoadedBundle>> {
    const logger = {
      ...SILENT_LOGGER,
      error: (about: object, message: string) => void this.lines.push(`${message} ${JSON.stringify(about)}`),
    };
    const files = await createBundleSource(this.bundle, { tickets: new FileTicketSource(undefined), logger });
    let looks = 0;
    // Each look at the database is long after the one before.
    const later = () => {
      looks += 10_000;
      return looks;
    };
    const store = new SnapshotStore({ url: this.postgres.url, logger, nowMs: later });
    this.#stores.push(store);
    return withSources(files, store, logger, nowMs);
  }

  /** Runs a command of `countersign directory`. What it says is on lines; a refusal is its message. */
  run(...argv: readonly string[]): Promise<readonly string[]> {
    const env = { COUNTERSIGN_BUNDLE: this.bundle, COUNTERSIGN_LEDGER_URL: this.postgres.url };
    return runDirectory(env, ...argv);
  }

  sync(): Promise<readonly string[]> {
    return this.run('sync', ...READER, this.key('directory'));
  }

  async close(): Promise<void> {
    await Promise.all(this.#stores.map((store) => store.close()));
    await this.ldap.stop();
    this.postgres.stop();
    for (const dir of [this.bundle, this.keys]) rmSync(dir, { recursive: true, force: true });
  }
}

export const personDn = (uid: string): string => `uid=${uid},ou=people,dc=example,dc=com`;
export const groupDn = (name: string): string => `cn=${name},ou=groups,dc=example,dc=com`;
