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

/** Returns the file of the key that `up` made for a principal of the example bundle. */
export const exampleKeyFile = (stateDir: string, principal: string): string =>
  path.join(stateDir, 'keys', `${principal.replace('/', '-')}.jwk`);

/**
 * Copies an example bundle into the state folder and makes a key for everyone in it, so that it can be tried by hand. Leaves a
 * copy that is already there as it is. Returns the folder of the copy.
 */
export async function provideExampleBundle(stateDir: string, example = EXAMPLE_BUNDLE_DIR): Promise<string> {
  const bundle = path.join(stateDir, 'bundle');
  if (existsSync(bundle)) return bundle;
  const draft = path.join(stateDir, 'bundle.new');
  rmSync(draft, { recursive: true, force: true });
  cpSync(example, draft, { recursive: true });
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
  // Renaming is atomic, so a bundle that exists is complete and has the keys that belong to it.
  renameSync(draft, bundle);
  return bundle;
}
