import type { Command } from 'commander';
import type { Run } from '../context';
import { defineEndorse } from './endorse';
import { defineList } from './list';
import { defineNew } from './new';
import { defineRetire } from './retire';

/** `countersign keys` */
export function define(command: Command, run: Run): void {
  defineNew(command, run);
  defineList(command, run);
  defineEndorse(command, run);
  defineRetire(command, run);
}
