import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import type { Command } from 'commander';
import { isPrincipalId } from '../domain/principal';
import { byKey, identifierOf, Requester } from '../enforcement';
import { createMcpServer } from '../mcp/server';
import { packageVersion } from '../project';
import type { Context } from './context';
import { findSigningKey } from './keys-lookup';
import { done, type Outcome, usageError } from './output';

interface McpOptions {
  readonly as: string;
  readonly key?: string;
  readonly gateway: string;
  readonly executor?: string;
  readonly tokenDir?: string;
}

/** `countersign mcp` */
export function registerMcp(
  program: Command,
  run: (work: (context: Context) => Promise<Outcome>) => void,
): void {
  program
    .command('mcp')
    .description('front door for an AI agent: a Model Context Protocol server on stdin and stdout')
    .requiredOption('--as <principal>', 'identity of the agent, for example agent/atlas')
    .option('--key <file>', "the agent's private key (default: the one that `up` made)")
    .requiredOption('--gateway <url>', 'address of the gateway')
    .option('--executor <url>', 'executor that approved actions are handed to')
    .option('--token-dir <dir>', 'folder that fetched tokens are put into')
    .action((options: McpOptions) => run((context) => serve(options, context)));
}

/** Serves until the client closes its end. */
async function serve(options: McpOptions, { settings, announce }: Context): Promise<Outcome> {
  const { as: principal, executor, tokenDir } = options;
  // A person's key in an agent's hands would let the agent decide as that person, elsewhere.
  if (!isPrincipalId(principal) || principal.startsWith('person/'))
    throw usageError('--as: an agent acts as itself, for example agent/atlas, and not as a person');
  for (const [name, url] of [
    ['--gateway', options.gateway],
    ['--executor', executor],
  ] as const)
    if (url !== undefined && !isWebAddress(url))
      throw usageError(`${name}: not an address such as https://countersign.example`);
  const key = await findSigningKey(principal, options.key, settings.COUNTERSIGN_STATE_DIR);
  const gateway = identifierOf(options.gateway);
  const agent = await Requester.at({ gateway, voice: byKey(principal, key, gateway) });
  const execution = {
    ...(executor !== undefined && { executorOf: () => executor }),
    ...(tokenDir !== undefined && { tokenDir }),
  };
  const server = createMcpServer(agent, { principal, version: packageVersion(), execution });
  const closed = new Promise<void>((resolve) => {
    server.server.onclose = resolve;
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
    process.stdin.once('end', () => resolve());
  });
  await server.connect(new StdioServerTransport());
  announce(`serving ${principal} on stdin and stdout`);
  await closed;
  await server.close();
  return done({ stopped: true });
}

function isWebAddress(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
}
