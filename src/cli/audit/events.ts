import { writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { type CloudEvent, cloudEventsOf } from '../../audit/ocsf/cloud-event';
import { sendToWebhook } from '../../audit/ocsf/webhook';
import type { Context } from '../context';
import { done, type Outcome, UserError, usageError } from '../output';
import { evidenceSet } from './evidence-set';
import type { Run } from './index';

interface Options {
  readonly output?: string;
  readonly webhook?: string;
  readonly source: string;
}

/** `countersign audit events` */
export function registerEvents(audit: Command, run: Run): void {
  audit
    .command('events')
    .description('export events as OCSF in CloudEvents, to stdout, a file or a webhook')
    .argument('[evidence...]', 'files or folders of evidence (default: the archive)')
    .option('-o, --output <file>', 'file to write, one event a line; one that exists is left alone')
    .option('--webhook <url>', 'where to send each event; a token is taken from COUNTERSIGN_WEBHOOK_TOKEN')
    .option('--source <uri>', 'who speaks', 'urn:countersign')
    .action((places: string[], options: Options) => run((context) => exportEvents(places, options, context)));
}

async function exportEvents(places: readonly string[], options: Options, context: Context): Promise<Outcome> {
  const { output, webhook, source } = options;
  if (output !== undefined && webhook !== undefined) throw usageError('either --output or --webhook');
  if (!/^[a-z][a-z0-9+.-]*:\S+$/i.test(source)) throw usageError(`--source ${source}: must be a URI`);
  if (webhook !== undefined && !isSafeWebhook(webhook))
    throw usageError('--webhook must be an https address; plain http leads to this machine alone');
  const evidence = await evidenceSet(places, context);
  const events = evidence
    .flatMap((one) => cloudEventsOf(one, source))
    .sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0));
  if (webhook !== undefined) return send(events, webhook, context);
  const lines = events.map((event) => JSON.stringify(event));
  if (output === undefined) return done({ events }, ...lines);
  try {
    await writeFile(output, lines.map((line) => `${line}\n`).join(''), { flag: 'wx', mode: 0o600 });
  } catch {
    throw new UserError(`cannot write ${output}; it is there already, or its folder is not`);
  }
  return done({ events: events.length, file: output }, `${output}: ${events.length} events`);
}

const LOOPBACK = ['localhost', '127.0.0.1', '[::1]'];

/** In clear, events and token would be anybody's on the way. */
function isSafeWebhook(address: string): boolean {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  return url?.protocol === 'https:' || (url?.protocol === 'http:' && LOOPBACK.includes(url.hostname));
}

async function send(events: readonly CloudEvent[], url: string, { settings }: Context): Promise<Outcome> {
  const token = settings.COUNTERSIGN_WEBHOOK_TOKEN;
  try {
    await sendToWebhook(events, { url, ...(token && { token }) });
  } catch (error) {
    throw new UserError(error instanceof Error ? error.message : 'the events could not be sent');
  }
  return done({ events: events.length, sent: true }, `${events.length} events sent`);
}
