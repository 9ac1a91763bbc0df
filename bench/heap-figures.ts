import { appendFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/* Loaded before a program (`--require`). At each SIGUSR2, it has garbage collected and appends what is left on the heap, in bytes, as a line
   to the file that HEAP_FIGURES names. */

setFlagsFromString('--expose-gc');
const collect: unknown = runInNewContext('gc');
const file = process.env['HEAP_FIGURES'];

process.on('SIGUSR2', () => {
  if (typeof collect === 'function') collect();
  if (file !== undefined) appendFileSync(file, `${process.memoryUsage().heapUsed}\n`);
});
