import { readFileSync } from 'node:fs';
import { temporal } from '@temporalio/proto';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import { WORKFLOW_BUNDLE_FILE } from '../project';
import { Replayer } from './replay';
import type { FromChild, ToChild } from './replay-process';

/*
 * The program in which histories are replayed: apart from whoever wants to know, because a history that no server has
 * written can bring the SDK's worker to a standstill, or the whole process down.
 */

const { History } = temporal.api.history.v1;
Runtime.install({ logger: new DefaultLogger('ERROR'), telemetryOptions: { logging: { filter: 'OFF' } } });
const say = (message: FromChild): void => void process.send?.(message);
const code = readFileSync(WORKFLOW_BUNDLE_FILE, 'utf8');
const replayer = new Replayer({ code }, { heard: (step) => say({ type: 'step', step }) });

process.on('message', ({ history, workflowId }: ToChild) => {
  void replayer.replay(History.decode(history), workflowId).then((result) => {
    say(result.ok ? { type: 'done' } : { type: 'failed', message: result.message });
  });
});
process.on('disconnect', () => process.exit());
say({ type: 'ready' });
