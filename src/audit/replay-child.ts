import { readFileSync } from 'node:fs';
import { temporal } from '@temporalio/proto';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import { WORKFLOW_BUNDLE_FILE } from '../project';
import { Replayer } from './replay';
import type { FromChild, ToChild } from './replay-process';

/*
 * The program that replays histories. It is a separate process, because a history that no server has
 * written can make the SDK's worker hang, or crash the whole process.
 */

const { History } = temporal.api.history.v1;
Runtime.install({ logger: new DefaultLogger('ERROR'), telemetryOptions: { logging: { filter: 'OFF' } } });
const send = (message: FromChild): void => void process.send?.(message);
const code = readFileSync(WORKFLOW_BUNDLE_FILE, 'utf8');
const replayer = new Replayer({ code }, { onStep: (step) => send({ type: 'step', step }) });

process.on('message', ({ history, workflowId }: ToChild) => {
  void replayer.replay(History.decode(history), workflowId).then((result) => {
    send(result.ok ? { type: 'done' } : { type: 'failed', message: result.message });
  });
});
process.on('disconnect', () => process.exit());
send({ type: 'ready' });
