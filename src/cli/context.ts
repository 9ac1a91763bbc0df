import { CountersignClient } from '../client';
import { type Environment, readSettings, type Settings } from '../contracts/settings';
import { UserError } from './output';
import { tracingOf } from './telemetry';

/** What every command works with. */
export interface Context {
  readonly settings: Settings;
  readonly env: Environment;
  /** Progress and news while a command runs; on stderr, so that stdout stays the answer. */
  announce(line: string): void;
}

export function createContext(env: Environment): Context {
  const result = readSettings(env);
  if (!result.ok) throw new UserError(result.problems.join('; '), 2, 'BAD_SETTINGS');
  return { settings: result.settings, env, announce: (line) => void process.stderr.write(`${line}\n`) };
}

/** Runs something with a connected client, and closes it. */
export async function withClient<T>(
  { settings }: Context,
  use: (client: CountersignClient) => Promise<T>,
): Promise<T> {
  const tracing = await tracingOf('countersign-client', settings);
  const client = await CountersignClient.connect({
    tracing,
    taskQueue: settings.COUNTERSIGN_TASK_QUEUE,
    ...(settings.COUNTERSIGN_CODEC_KEYS !== undefined && { codecKeys: settings.COUNTERSIGN_CODEC_KEYS }),
  });
  try {
    return await use(client);
  } finally {
    await client.close();
    await tracing.stop();
  }
}
