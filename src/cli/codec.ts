import type { Command } from 'commander';
import { addCodecKey, configuredCodecs, newReader, readReaders, startCodecEndpoint } from '../codec';
import type { Context, Run } from './context';
import { createLogger } from './logger';
import { parsePort, parseWhole } from './number';
import { type CommandResult, done, UserError } from './output';

const DAY_MS = 86_400_000;

/** `countersign codec` */
export function define(command: Command, run: Run): void {
  command
    .command('add-key')
    .description('add a key to encrypt with from the next start; older keys still decrypt')
    .argument('<file>', 'file of the codec keys; created if it does not exist')
    .option('--id <id>', 'name of the key (default: today)')
    .action((file: string, { id }: { id?: string }) => run(() => addKey(file, id)));
  command
    .command('new-reader')
    .description('make a token for someone who may read clear text in the Temporal UI')
    .argument('<name>', 'whose token it is')
    .option('--days <n>', 'for how many days the token is valid', '30')
    .action((name: string, { days }: { days: string }) => run(() => addReader(name, days)));
  command
    .command('serve')
    .description('decrypt payloads for the Temporal UI and command line, for readers with a token')
    .option('--host <host>', 'address to listen on', '127.0.0.1')
    .option('--port <n>', 'port to listen on', '8234')
    .option('--origin <origin>', 'origin of the Temporal UI', 'http://127.0.0.1:8233')
    .action((options: ServeOptions) => run((context) => serve(options, context)));
}

async function addKey(file: string, id = new Date().toISOString().slice(0, 10)): Promise<CommandResult> {
  const { ok, message } = addCodecKey(file, id);
  if (!ok) throw new UserError(message);
  return done(
    { file, id },
    message,
    `next  set COUNTERSIGN_CODEC_KEYS=${file}, and restart workers and clients`,
  );
}

async function addReader(name: string, days: string): Promise<CommandResult> {
  const count = parseWhole(days, '--days', 1, 366);
  const { token, entry } = newReader(name, Date.now() + count * DAY_MS);
  return done(
    { token, entry },
    `token  ${token} (shown once; it goes to ${name} and nowhere else)`,
    `entry  ${JSON.stringify(entry)}`,
    'next   put the entry under "readers" in the file that COUNTERSIGN_CODEC_READERS names',
  );
}

interface ServeOptions {
  readonly host: string;
  readonly port: string;
  readonly origin: string;
}

async function serve(
  { host, port, origin }: ServeOptions,
  { settings, announce }: Context,
): Promise<CommandResult> {
  const portNumber = parsePort(port, '--port');
  const keys = settings.COUNTERSIGN_CODEC_KEYS;
  const readersFile = settings.COUNTERSIGN_CODEC_READERS;
  if (keys === undefined || readersFile === undefined)
    throw new UserError(
      'set COUNTERSIGN_CODEC_KEYS and COUNTERSIGN_CODEC_READERS to files',
      2,
      'BAD_SETTINGS',
    );
  const read = readReaders(readersFile);
  if (!read.ok) throw new UserError(`COUNTERSIGN_CODEC_READERS: ${read.message}`, 2, 'BAD_SETTINGS');
  const endpoint = await startCodecEndpoint({
    codecs: configuredCodecs(keys),
    readers: read.readers,
    host,
    port: portNumber,
    origin,
    logger: createLogger(settings.COUNTERSIGN_LOG_LEVEL),
  });
  process.stdout.write(`ready codec=${endpoint.url}\n`);
  await new Promise<void>((resolve) => {
    process.once('SIGTERM', () => resolve());
    process.once('SIGINT', () => resolve());
  });
  announce('stopping');
  await endpoint.close();
  return done({ stopped: true });
}
