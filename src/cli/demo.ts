import type { Command } from 'commander';
import type { Context } from './context';
import { done, type Outcome } from './output';
export function registerDemo(
  program: Command,
  run: (work: (context: Context) => Promise<Outcome>) => void,
): void {
  program.command('demo').action(() => run(async () => done({})));
}
