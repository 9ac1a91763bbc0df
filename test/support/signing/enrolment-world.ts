import { stringify } from 'yaml';
import type { RegisterRow } from '../../../src/contracts/enrolment';
import type { FileDirectory } from '../../../src/directory/file-directory';
import { readDirectory } from '../../../src/directory/read-directory';
import { composeDirectory, decodeRows } from '../../../src/directory/register/enrolled-directory';
import { rowSignatures, signInvitation } from '../../../src/signing/enrolment';
import { generateKey, importSigningKey, type SigningKey } from '../../../src/signing/keys';
import { redeem } from './enrolment';
import { ORIGIN, RP_ID, SoftwarePasskey } from './passkey';

export const NOW = Date.parse('2026-11-29T12:00:00Z');
export const MINUTE = 60_000;
export const DAY = 86_400_000;

type Entry = Readonly<Record<string, unknown>>;

/** People with key files, as directory.yaml has them: two governors for keys, one for security, two approvers, one agent. */
export class EnrolmentWorld {
  private constructor(
    private readonly keys: ReadonlyMap<string, { readonly signing: SigningKey; readonly jwk: Entry }>,
  ) {}

  static async make(): Promise<EnrolmentWorld> {
    const keys = new Map<string, { signing: SigningKey; jwk: Entry }>();
    for (const id of ['person/nadia', 'person/viktor', 'person/greta', 'person/mira', 'agent/atlas']) {
      const { publicJwk, privateJwkText } = await generateKey();
      const read = await importSigningKey(privateJwkText, 'test key');
      if (!read.ok) throw new Error(read.message);
      keys.set(id, { signing: read.key, jwk: publicJwk });
    }
    return new EnrolmentWorld(keys);
  }

  keyOf(id: string): SigningKey {
    const known = this.keys.get(id);
    if (known === undefined) throw new Error(`${id} has no key here`);
    return known.signing;
  }

  /** The text of directory.yaml. `changes` are members of people, and of their keys where it says `key`. */
  text(changes: Readonly<Record<string, Entry & { readonly key?: Entry }>> = {}): string {
    const entry = (id: string, own: Entry) => {
      const { key, ...change } = changes[id] ?? {};
      const jwk = this.keys.get(id)?.jwk;
      const keys = jwk && { keys: [{ jwk, assurance: 'key', channel: 'cli', ...key }] };
      return [id, { ...own, ...keys, ...change }] as const;
    };
    return stringify({
      people: Object.fromEntries([
        entry('person/nadia', { name: 'Nadia', roles: ['iam-operations'] }),
        entry('person/viktor', { name: 'Viktor', roles: ['iam-operations'] }),
        entry('person/greta', { name: 'Greta', roles: ['security-operations'] }),
        entry('person/mira', { name: 'Mira' }),
        entry('person/tomas', { name: 'Tomas' }),
      ]),
      identities: Object.fromEntries([
        entry('agent/atlas', { title: 'Atlas', owner: 'person/mira', sponsor: 'person/tomas' }),
      ]),
    });
  }

  directory(changes: Parameters<EnrolmentWorld['text']>[0] = {}): FileDirectory {
    const read = readDirectory('directory.yaml', this.text(changes));
    if (!read.ok) throw new Error(JSON.stringify(read.problems));
    return read.value.directory;
  }

  invite(
    person: string,
    { by = 'person/nadia', atMs = NOW, lifeMs = DAY, endorse = false, rpId = RP_ID, origin = ORIGIN } = {},
  ) {
    return signInvitation({ person, rpId, origin, lifeMs, endorse }, by, this.keyOf(by), atMs);
  }

  /** A person with an enrolled passkey, and the row that it stands in. */
  async enrol(person: string, passkey = new SoftwarePasskey(), atMs = NOW) {
    const row = await redeem(await this.invite(person, { atMs }), person, passkey, atMs + MINUTE);
    return { passkey, row };
  }
}

const holds = rowSignatures();

/** The directory file with a register over it. */
export const composed = (file: FileDirectory, rows: readonly RegisterRow[]) =>
  composeDirectory(file, decodeRows(rows), holds);
