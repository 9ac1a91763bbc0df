import type { Command } from 'commander';
import type { Run } from '../context';
import { defineDiff } from './diff';
import { defineRelease } from './release';
import { defineShow } from './show';
import { defineSync } from './sync';

/** `countersign directory` */
export function define(command: Command, run: Run): void {
  defineSync(command, run);
  defineShow(command, run);
  defineDiff(command, run);
  defineRelease(command, run);
}
