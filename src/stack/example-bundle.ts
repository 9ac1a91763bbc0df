import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { registerKey } from '../directory/register-key';
import { EXAMPLE_BUNDLE_DIR } from '../project';
import { generateKey, writeKeyFile } from '../signing/keys';

const principalsSchema = z.object({
  people: z.record(z.string(), z.unknown()),
  identities: z.record(z.string(), z.unknown()),
});

/** The file of the key that belongs to a principal of the example bundle. */
export const exampleKeyFile = (stateDir: string, principal: string): string =>
  path.join(stateDir, 'keys', `${principal.replace('/', '-')}.jwk`);

/**
 * Puts a copy of the example bundle into the state folder and gives everyone in it a key of their own, so that it can be
 * tried by hand. A copy that is there already is left as it is. Real people bring their own keys.
 */
export async function provideExampleBundle(stateDir: string): Promise<string> {
  const bundle = path.join(stateDir, 'bundle');
  if (existsSync(bundle)) return bundle;
  const draft = path.join(stateDir, 'bundle.new');
  rmSync(draft, { recursive: true, force: true });
  cpSync(EXAMPLE_BUNDLE_DIR, draft, { recursive: true });
  mkdirSync(path.join(stateDir, 'keys'), { recursive: true, mode: 0o700 });
  const file = path.join(draft, 'directory.yaml');
  let directory = readFileSync(file, 'utf8');
  const { people, identities } = principalsSchema.parse(parse(directory));
  for (const principal of [...Object.keys(people), ...Object.keys(identities)]) {
    const key = await generateKey();
    const keyFile = exampleKeyFile(stateDir, principal);
    rmSync(keyFile, { force: true });
    await writeKeyFile(keyFile, key.privateJwkText);
    directory = registerKey(directory, principal, key.publicJwk, { assurance: 'key', channel: 'cli' });
  }
  writeFileSync(file, directory);
  // The bundle appears whole or not at all, with the keys that fit it.
  renameSync(draft, bundle);
  return bundle;
}
