import type { Command } from 'commander';
import type { Context } from '../context';
import type { Outcome } from '../output';
import { registerArchive } from './archive';
import { registerEvents } from './events';
import { registerExport } from './export';
import { registerLog } from './log';
import { registerReplay } from './replay';
import { registerReport } from './report';
import { registerShow } from './show';
import { registerVerify } from './verify';

export type Run = (work: (context: Context) => Promise<Outcome>) => void;

/** `countersign audit` */
export function registerAudit(program: Command, run: Run): void {
  const audit = program.command('audit').description('check what happened, and prove it to others');
  const commands = [
    registerReplay,
    registerExport,
    registerVerify,
    registerShow,
    registerReport,
    registerEvents,
    registerLog,
    registerArchive,
  ];
  for (const register of commands) register(audit, run);
}
