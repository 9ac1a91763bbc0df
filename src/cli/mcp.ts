import { serveStdio } from '@modelcontextprotocol/server/stdio';
import type { Command } from 'commander';
import { byKey, identifierOf, Requester } from '../enforcement';
import { createMcpServer } from '../mcp/server';
import { packageVersion } from '../project';
import { pageOriginOf } from '../web/origin';
import type { Context, Run } from './context';
import { AS_HELP, KEY_HELP } from './help';
import { type CommandResult, done, usageError } from './output';
import { findKey, principalOf, type SignerOptions } from './signer';

interface McpOptions extends SignerOptions {
  readonly gateway?: string;
  readonly executor?: string;
  readonly tokenDir?: string;
}

/** `countersign mcp` */
export function define(command: Command, run: Run): void {
  command
    .option('--as <principal>', `identity of the agent, ${AS_HELP}`)
    .option('--key <file>', KEY_HELP)
    .option(
      '--gateway <url>',
      'address of the gateway (default: COUNTERSIGN_GATEWAY, or `gateway` in config.yaml)',
    )
    .option('--executor <url>', 'executor that carries out approved actions')
    .option('--token-dir <dir>', 'folder for the tokens that it fetches')
    .action((options: McpOptions) => run((context) => serve(options, context)));
}

/** Serves until the client closes the connection. */
async function serve(options: McpOptions, context: Context): Promise<CommandResult> {
  const { executor, tokenDir } = options;
  const principal = principalOf(options, context);
  const url = options.gateway ?? context.settings.COUNTERSIGN_GATEWAY;
  if (url === undefined)
    throw usageError('--gateway: give the address of the gateway, or set COUNTERSIGN_GATEWAY');
  // With a person's key, an agent could decide as that person elsewhere.
  if (principal.startsWith('person/'))
    throw usageError('--as: an agent acts as itself, for example agent/atlas, and not as a person');
  for (const [name, address] of [
    ['--gateway', url],
    ['--executor', executor],
  ] as const)
    if (address !== undefined && !isWebAddress(address))
      throw usageError(`${name}: not an address such as https://countersign.example`);
  const key = await findKey(principal, options.key, context);
  const gateway = identifierOf(url);
  const agent = await Requester.at({ gateway, credential: byKey(principal, key, gateway) });
  const execution = {
    ...(executor !== undefined && { executorOf: () => executor }),
    ...(tokenDir !== undefined && { tokenDir }),
  };
  const pagesAt = pageOriginOf(gateway);
  const closed = new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
    process.stdin.once('end', () => resolve());
  });
  const serving = serveStdio(({ era }) =>
    createMcpServer(agent, { principal, version: packageVersion(), execution, era, pagesAt }),
  );
  context.announce(`serving ${principal} on stdin and stdout`);
  await closed;
  await serving.close();
  return done({ stopped: true });
}

function isWebAddress(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
}
