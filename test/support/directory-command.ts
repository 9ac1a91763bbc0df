import { type Context, createContext } from '../../src/cli/context';
import { type CommandResult, UserError } from '../../src/cli/output';
import { createProgram, defineCommand } from '../../src/cli/program';
import { PLAIN } from '../../src/cli/terminal';

/** Runs a command of `countersign directory`. What it says is on lines; a refusal is its message. */
export const runDirectory = (
  env: Readonly<Record<string, string>>,
  ...argv: readonly string[]
): Promise<readonly string[]> => runCommand('directory', env, ...argv);

/** Runs a command in this process. */
export async function runCommand(
  name: 'directory' | 'friction' | 'doctor',
  env: Readonly<Record<string, string>>,
  ...argv: readonly string[]
): Promise<readonly string[]> {
  let work: ((context: Context) => Promise<CommandResult>) | undefined;
  const program = createProgram(PLAIN);
  await defineCommand(program, name, async (asked) => {
    work = asked;
  });
  await program.parseAsync([name, ...argv], { from: 'user' });
  if (work === undefined) throw new Error('nothing was to be done');
  try {
    return (await work(await createContext(env))).lines;
  } catch (error) {
    if (error instanceof UserError) return [`refused: ${error.message}`];
    throw error;
  }
}
