import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import type { Command } from 'commander';
import { CountersignClient } from '../../client';
import { freePort } from '../../stack/free-port';
import { type Stack, startStack } from '../../stack/up';
import type { Context, Run } from '../context';
import type { CommandResult } from '../output';
import { Cast } from './cast';
import type { Scene } from './demo';
import { agentAtFrontDoor } from './scenes/agent-front-door';
import { agentReads } from './scenes/agent-reads';
import { agentTools } from './scenes/agent-tools';
import { emergency } from './scenes/emergency';
import { forgeries } from './scenes/forgeries';
import { hardStop } from './scenes/hard-stop';
import { passkeyInBrowser } from './scenes/passkey';
import { pipelineWrites } from './scenes/pipeline-writes';
import { promptBypass } from './scenes/prompt-bypass';
import { replays } from './scenes/replays';
import { reroute } from './scenes/reroute';
import { Script } from './steps';

/** The scenes, in the order in which they are played. Each is a file of its own. */
const SCENES: readonly Scene[] = [
  agentReads,
  pipelineWrites,
  emergency,
  reroute,
  hardStop,
  forgeries,
  promptBypass,
  agentAtFrontDoor,
  agentTools,
  passkeyInBrowser,
  replays,
];

/** `countersign demo` */
export function define(command: Command, run: Run): void {
  command.action((options: { json?: boolean }) => run((context) => demo(context, options.json === true)));
}

async function demo({ settings, announce }: Context, quiet: boolean): Promise<CommandResult> {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  const stateDir = mkdtempSync(path.join(tmpdir(), 'countersign-demo-'));
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
  try {
    const cast = new Cast(client, stack);
    for (const scene of SCENES) await scene({ stack, client, cast, script });
  } finally {
    await client.close();
  }
}
