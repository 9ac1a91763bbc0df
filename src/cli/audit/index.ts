import type { Command } from 'commander';
import type { Run } from '../context';
import { defineArchive } from './archive';
import { defineEvents } from './events';
import { defineExport } from './export';
import { defineLog } from './log';
import { defineReplay } from './replay';
import { defineReport } from './report';
import { defineShow } from './show';
import { defineVerify } from './verify';

/** `countersign audit` */
export function define(command: Command, run: Run): void {
  const commands = [
    defineReplay,
    defineExport,
    defineVerify,
    defineShow,
    defineReport,
    defineEvents,
    defineLog,
    defineArchive,
  ];
  for (const defineSubcommand of commands) defineSubcommand(command, run);
}
