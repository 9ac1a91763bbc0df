import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { describeIssues } from '../contracts/problem';
import type { Environment } from '../contracts/settings';
import { withPaths } from '../policy/load/bundle-place';
import { codeOf } from '../stack/errors';
import { UserError } from './output';

/** `config.yaml` of the command line. */
export const configSchema = z.strictObject({
  as: z.string().min(1).exactOptional().describe('who signs and asks if no --as is given'),
  key: z.string().min(1).exactOptional().describe('file of their private key'),
  gateway: z.string().min(1).exactOptional().describe('address of the gateway if no --gateway is given'),
  bundle: z.string().min(1).exactOptional().describe('folder of the policy bundle'),
});

/** The caller's own defaults, as settings. */
export interface ConfigFile {
  readonly file: string;
  readonly settings: Environment;
}

/** Where a person keeps defaults: `$XDG_CONFIG_HOME/countersign/config.yaml`, or below `~/.config`. */
const configFileOf = (env: Environment): string =>
  path.join(
    env['XDG_CONFIG_HOME'] || path.join(env['HOME'] || homedir(), '.config'),
    'countersign',
    'config.yaml',
  );

/**
 * Reads the config file. A file that does not exist has no settings. Paths in it are relative to its folder.
 *
 * @throws UserError of wrong usage if the file cannot be read or has members that are not known
 */
export function readConfigFile(env: Environment): ConfigFile {
  const file = configFileOf(env);
  const text = textOf(file);
  if (text === undefined) return { file, settings: {} };
  const read = configSchema.safeParse(parsed(text, file) ?? {});
  if (!read.success) throw badConfig(file, describeIssues(read.error, 'config'));
  const { as, key, gateway, bundle } = read.data;
  const inFolder = (name: string): string => path.resolve(path.dirname(file), name);
  return {
    file,
    settings: {
      ...(as !== undefined && { COUNTERSIGN_AS: as }),
      ...(key !== undefined && { COUNTERSIGN_KEY: inFolder(key) }),
      ...(gateway !== undefined && { COUNTERSIGN_GATEWAY: gateway }),
      ...(bundle !== undefined && { COUNTERSIGN_BUNDLE: withPaths(bundle, inFolder) }),
    },
  };
}

function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(String(codeOf(error)))) return undefined;
    throw badConfig(file, 'cannot be read');
  }
}

function parsed(text: string, file: string): unknown {
  try {
    return parse(text, { maxAliasCount: 0 });
  } catch (error) {
    throw badConfig(file, error instanceof Error ? error.message.split('\n')[0] : 'not YAML');
  }
}

const badConfig = (file: string, what = 'not YAML'): UserError =>
  new UserError(`${file}: ${what}`, 2, 'BAD_SETTINGS');
