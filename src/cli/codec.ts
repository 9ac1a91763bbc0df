import type { Command } from 'commander';
import { addCodecKey, configuredCodecs, newReader, readReaders, startCodecEndpoint } from '../codec';
import type { Context } from './context';
import { createLogger } from './logger';
import { parsePort, parseWhole } from './number';
import { done, type Outcome, UserError } from './output';

const DAY_MS = 86_400_000;

/** `countersign codec` */
export function registerCodec(
  program: Command,
  run: (work: (context: Context) => Promise<Outcome>) => void,
): void {
  const codec = program.command('codec').description('encryption of what the Temporal server stores');
  codec
    .command('add-key')
    .description('make a key and encrypt with it from the next start; the keys that are there go on opening')
    .argument('<file>', 'file of the codec keys; made where there is none')
    .option('--id <id>', 'name of the key (default: today)')
    .action((file: string, { id }: { id?: string }) => run(() => addKey(file, id)));
  codec
    .command('new-reader')
    .description('make a token for someone who may read clear text in the Temporal UI')
    .argument('<name>', 'whose token it is')
    .option('--days <n>', 'for how many days it holds', '30')
    .action((name: string, { days }: { days: string }) => run(() => addReader(name, days)));
  codec
    .command('serve')
    .description('open payloads for the Temporal UI and command line, for readers with a token')
    .option('--host <host>', 'address to listen on', '127.0.0.1')
    .option('--port <n>', 'port to listen on', '8234')
    .option('--origin <origin>', 'origin of the Temporal UI', 'http://127.0.0.1:8233')
    .action((options: ServeOptions) => run((context) => serve(options, context)));
}

async function addKey(file: string, id = new Date().toISOString().slice(0, 10)): Promise<Outcome> {
  const { ok, message } = addCodecKey(file, id);
  if (!ok) throw new UserError(message);
  return done(
    { file, id },
    message,
    `next  set COUNTERSIGN_CODEC_KEYS=${file}, and start workers and clients again`,
  );
}

async function addReader(name: string, days: string): Promise<Outcome> {
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
): Promise<Outcome> {
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
