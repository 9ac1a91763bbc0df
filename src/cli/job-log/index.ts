import type { Environment } from '../../contracts/settings';
import { withoutCommands } from './github';

/** The kinds of log in which a command's lines can stand. */
export const JOB_LOGS = ['github', 'gitlab', 'plain'] as const;
export type JobLog = (typeof JOB_LOGS)[number];

/** Tells by the variables that the platform sets whose job this is. */
export function jobLogOf(env: Environment): JobLog {
  if (env['GITHUB_ACTIONS'] === 'true') return 'github';
  return env['GITLAB_CI'] === 'true' ? 'gitlab' : 'plain';
}

/** Returns a line that the log shows and never obeys, whoever wrote the words in it. */
export const harmlessIn = (log: JobLog, line: string): string =>
  log === 'github' ? withoutCommands(line) : line;
