import { readFileSync } from 'node:fs';

export type Environment = Readonly<Record<string, string | undefined>>;

const inVariable = (name: string): string => name.toUpperCase().replace(/[^A-Z0-9]/g, '_');

/** The environment variable that holds one setting of a connector: `baseDn` of `lake` is COUNTERSIGN_CONNECTOR_LAKE_BASE_DN. */
export const settingVariable = (connector: string, setting: string): string =>
  `COUNTERSIGN_CONNECTOR_${inVariable(connector)}_${inVariable(setting.replace(/[A-Z]/g, '_$&'))}`;

/** The environment variable that holds a connector's address. */
export const addressVariable = (connector: string): string => settingVariable(connector, 'url');

/** The environment variable that says where the holder of a grant reaches the target of a connector. */
export const targetVariable = (connector: string): string =>
  `COUNTERSIGN_TARGET_${inVariable(connector)}_URL`;

/** True if the environment sets the variable, or names a file that holds it. */
export const isSet = (variable: string, env: Environment): boolean =>
  env[variable] !== undefined || env[`${variable}_FILE`] !== undefined;

/**
 * Reads a setting from its variable, or from the file that `<variable>_FILE` names.
 *
 * @param what whose setting it is, for messages
 * @throws Error of one line, without the value, if neither is set or the file is unreadable or empty
 */
export function readSetting(what: string, variable: string, env: Environment): string {
  const file = env[`${variable}_FILE`];
  if (file !== undefined) {
    const content = readSecret(what, variable, file);
    if (content === '') throw new Error(`${what}: the file that ${variable}_FILE names is empty`);
    return content;
  }
  const value = env[variable];
  if (!value) throw new Error(`${what}: set ${variable}, or ${variable}_FILE to a file that holds it`);
  return value;
}

/** The address of a connector. Throws as `readSetting` does. */
export const addressOf = (connector: string, env: Environment): string =>
  readSetting(`connector ${connector}`, addressVariable(connector), env);

function readSecret(what: string, variable: string, file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    throw new Error(`${what}: cannot read the file that ${variable}_FILE names`);
  }
}
