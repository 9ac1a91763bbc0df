import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { registerKey } from '../../directory/register-key';
import { generateKey, importSigningKey } from '../../signing/keys';
import { UserError, usageError } from '../output';
import type { Texts } from './bundle-text';

/** Returns the file of a principal's key in the folder: where a stack that runs there looks for it. */
const keyFileOf = (principal: string): string => `.countersign/keys/${principal.replace('/', '-')}.jwk`;

const DIRECTORY = 'bundle/directory.yaml';
/** The links by which people register a passkey. Each is for one use, so only its owner may read the file. */
export const INVITATIONS_FILE = '.countersign/invitations.txt';
const INVITATION_LIFE_MS = 7 * 86_400_000;

/**
 * Makes a key for each of these principals, and registers its public part in the directory among the texts. A key file that an
 * earlier run left is used again.
 *
 * @returns the texts with the keys
 * @throws UserError if a file that is there holds no key
 */
export async function withKeys(texts: Texts, dir: string, principals: readonly string[]): Promise<Texts> {
  const all = new Map(texts);
  let directory = texts.get(DIRECTORY) ?? '';
  for (const principal of principals) {
    const name = keyFileOf(principal);
    const { text, publicJwk } = await keyIn(path.join(dir, name));
    all.set(name, text);
    directory = registerKey(directory, principal, publicJwk, { assurance: 'key', channel: 'cli' });
  }
  return all.set(DIRECTORY, directory);
}

/** The key in a file, or a new one if there is no such file. */
async function keyIn(file: string) {
  if (!existsSync(file)) {
    const { privateJwkText, publicJwk } = await generateKey();
    return { text: privateJwkText, publicJwk };
  }
  const text = await readFile(file, 'utf8');
  const read = await importSigningKey(text, file);
  if (!read.ok) throw new UserError(read.message, 1, 'BAD_KEY');
  const { d: _private, ...publicJwk }: Record<string, string> = JSON.parse(text);
  return { text, publicJwk };
}

interface Inviting {
  readonly gateway: string;
  readonly governor: string;
  readonly people: readonly string[];
}

/**
 * Makes an enrolment link for each of these people, signed with the governor's new key, good once, for seven days.
 *
 * @returns the texts with a file of the links
 * @throws UserError of wrong usage if passkeys cannot belong to that address
 */
export async function withInvitations(texts: Texts, { gateway, governor, people }: Inviting): Promise<Texts> {
  const { pageOriginOf } = await import('../../web/origin.js');
  const origin = URL.canParse(gateway) ? pageOriginOf(gateway) : undefined;
  if (origin === undefined)
    throw usageError(
      `--gateway: passkeys work over https or on this machine, at the root of a host, and not at ${gateway}`,
    );
  const { signInvitation, invitationLink } = await import('../../signing/enrolment.js');
  const name = keyFileOf(governor);
  const read = await importSigningKey(texts.get(name) ?? '', name);
  if (!read.ok) throw new UserError(read.message, 1, 'BAD_KEY');
  const lines = await Promise.all(
    people.map(async (person) => {
      const terms = {
        person,
        rpId: new URL(origin).hostname,
        origin,
        lifeMs: INVITATION_LIFE_MS,
        endorse: false,
      };
      const invited = await signInvitation(terms, governor, read.key, Date.now());
      return `enrol ${person} ${invitationLink(origin, invited)}`;
    }),
  );
  return new Map([...texts, [INVITATIONS_FILE, `${lines.join('\n')}\n`]]);
}
