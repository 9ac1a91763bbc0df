import { writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { type CloudEvent, cloudEventsOf } from '../../audit/ocsf/cloud-event';
import { sendToWebhook } from '../../audit/ocsf/webhook';
import type { Context, Run } from '../context';
import { type CommandResult, done, printable, UserError, usageError } from '../output';
import { evidenceSet, sayUnproved } from './evidence-set';

interface Options {
  readonly output?: string;
  readonly webhook?: string;
  readonly source: string;
}

/** `countersign audit events` */
export function defineEvents(audit: Command, run: Run): void {
  audit
    .command('events')
    .description('export events as OCSF in CloudEvents, to stdout, a file or a webhook')
    .argument('[evidence...]', 'files or folders of evidence (default: the archive)')
    .option('-o, --output <file>', 'file to write, one event per line; it must not exist')
    .option('--webhook <url>', 'send each event there, with the token of COUNTERSIGN_WEBHOOK_TOKEN')
    .option('--source <uri>', 'source of the events, as a URI', 'urn:countersign')
    .action((places: string[], options: Options) => run((context) => exportEvents(places, options, context)));
}

async function exportEvents(
  places: readonly string[],
  options: Options,
  context: Context,
): Promise<CommandResult> {
  const { output, webhook, source } = options;
  if (output !== undefined && webhook !== undefined)
    throw usageError('give either --output or --webhook, not both');
  if (!/^[a-z][a-z0-9+.-]*:\S+$/i.test(source)) throw usageError(`--source ${source}: must be a URI`);
  if (webhook !== undefined && !isSafeWebhook(webhook))
    throw usageError('--webhook must be an https address; plain http is allowed only for this machine');
  const found = await evidenceSet(places, context);
  for (const one of found) if (one.unproved !== undefined) context.announce(printable(sayUnproved(one)));
  const events = found
    .flatMap(({ evidence }) => cloudEventsOf(evidence, source))
    .sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0));
  if (webhook !== undefined) return send(events, webhook, context);
  const lines = events.map((event) => JSON.stringify(event));
  if (output === undefined) return done({ events }, ...lines);
  try {
    await writeFile(output, lines.map((line) => `${line}\n`).join(''), { flag: 'wx', mode: 0o600 });
  } catch {
    throw new UserError(`cannot write ${output}; it exists already, or its folder does not`);
  }
  return done({ events: events.length, file: output }, `${output}: ${events.length} events`);
}

const LOOPBACK = ['localhost', '127.0.0.1', '[::1]'];

/** Over plain http, anyone on the network could read the events and the token. */
function isSafeWebhook(address: string): boolean {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  return url?.protocol === 'https:' || (url?.protocol === 'http:' && LOOPBACK.includes(url.hostname));
}

async function send(
  events: readonly CloudEvent[],
  url: string,
  { settings }: Context,
): Promise<CommandResult> {
  const token = settings.COUNTERSIGN_WEBHOOK_TOKEN;
  try {
    await sendToWebhook(events, { url, ...(token && { token }) });
  } catch (error) {
    throw new UserError(error instanceof Error ? error.message : 'the events could not be sent');
  }
  return done({ events: events.length, sent: true }, `${events.length} events sent`);
}
