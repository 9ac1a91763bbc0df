import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import type { Command } from 'commander';
import { CountersignClient } from '../../client';
import { freePort } from '../../stack/free-port';
import { type Stack, startStack } from '../../stack/up';
import type { Context } from '../context';
import type { Outcome } from '../output';
import { agentAtFrontDoor } from './agent-scene';
import { promptBypass } from './bypass-scenes';
import { Cast } from './cast';
import { agentReads, emergency, forgeries, hardStop, pipelineWrites, replayAll, reroute } from './scenes';
import { Script } from './steps';

/** `countersign demo` */
export function registerDemo(
  program: Command,
  run: (work: (context: Context) => Promise<Outcome>) => void,
): void {
  program
    .command('demo')
    .description(
      'the main job, end to end, on a stack of its own; exit 0 only if every step did what it says',
    )
    .action((options: { json?: boolean }) => run((context) => demo(context, options.json === true)));
}

async function demo({ settings, announce }: Context, quiet: boolean): Promise<Outcome> {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  const stateDir = mkdtempSync(path.join(tmpdir(), 'countersign-demo-'));
  announce('starting Temporal, an embedded PostgreSQL and a worker');
  const script = new Script((line) => void (quiet || process.stdout.write(`${line}\n`)));
  try {
    const stack = await startStack({
      stateDir,
      temporalPort: await freePort(),
      uiPort: await freePort(),
      targetPort: await freePort(),
      httpPort: await freePort(),
      taskQueue: settings.COUNTERSIGN_TASK_QUEUE,
      announce,
    });
    try {
      await play(stack, script);
    } finally {
      await stack.stop();
    }
  } finally {
    rmSync(stateDir, { recursive: true, force: true });
  }
  const { steps, failed } = script;
  const summary = `${steps.length - failed.length} of ${steps.length} steps did what they say`;
  return {
    exitCode: failed.length === 0 ? 0 : 1,
    lines: ['', summary],
    data: { steps, failed: failed.length },
  };
}

async function play(stack: Stack, script: Script): Promise<void> {
  const client = await CountersignClient.connect({ address: stack.temporalAddress });
  const cast = new Cast(client, stack);
  try {
    for (const scene of [agentReads, pipelineWrites, emergency, reroute, hardStop, forgeries])
      await scene(cast, script);
    await promptBypass(cast, script);
    await agentAtFrontDoor(stack, cast, script);
    await replayAll(cast, client, script);
  } finally {
    await client.close();
  }
}
