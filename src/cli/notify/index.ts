import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import { type Message, type NotifySetup, type Route, readNotify, Undelivered } from '../../channels';
import { isPrincipalId } from '../../domain/principal';
import { FileTicketSource, loadBundle } from '../../policy';
import { makePushKey, readPushKey } from '../../push/push-key';
import { writeKeyFile } from '../../signing/keys';
import type { Context, Run } from '../context';
import { type CommandResult, done, failed, UserError, usageError } from '../output';

/** `countersign notify check | test` */
export function define(command: Command, run: Run): void {
  command
    .command('check')
    .description('check the file that COUNTERSIGN_NOTIFY names, and its secrets')
    .action(() => run(check));
  command
    .command('push-key')
    .description('make the key that push services know this installation by; prints its public half')
    .requiredOption('-o, --output <file>', 'new file for the private key')
    .action(({ output }: { output: string }) => run(() => pushKey(output)));
  command
    .command('test')
    .description('send a test message to one person on each of their channels')
    .requiredOption('--to <principal>', 'who gets the message, for example person/mira')
    .option('--channel <channel>', 'only on this channel')
    .action((options: { to: string; channel?: string }) => run((context) => test(options, context)));
}

/** Makes a key. The gateway gets its public half, `notify.yaml` its file. */
async function pushKey(file: string): Promise<CommandResult> {
  const text = makePushKey();
  await writeKeyFile(file, text);
  const { publicKey = '' } = readPushKey(text) ?? {};
  return done({ file, publicKey }, publicKey);
}

async function check(context: Context): Promise<CommandResult> {
  const { setup, problems } = await read(context);
  if (setup === undefined) {
    const lines = problems.map(({ file, line, message }) => `${file}:${line}: ${message}`);
    const message =
      problems.length === 1 ? String(lines[0]) : `${problems.length} problems, first ${lines[0]}`;
    return failed({ code: 'BAD_SETTINGS', message }, { ok: false, problems }, ...lines);
  }
  const { channels, people } = setup.config;
  close(setup);
  const counts = { channels: Object.keys(channels).length, people: Object.keys(people).length };
  return done({ ok: true, ...counts }, `ok: ${counts.channels} channels, ${counts.people} people`);
}

async function test(
  { to, channel }: { to: string; channel?: string },
  context: Context,
): Promise<CommandResult> {
  if (!isPrincipalId(to))
    throw usageError(`--to: ${JSON.stringify(to)} is not a principal id such as person/mira`);
  const { setup, problems } = await read(context);
  const [first] = problems;
  if (setup === undefined)
    throw new UserError(`${first?.file}:${first?.line}: ${first?.message} (countersign notify check)`);
  try {
    const routes = (setup.config.people[to] ?? []).filter(
      (route) => channel === undefined || route.channel === channel,
    );
    if (routes.length === 0)
      throw new UserError(
        `${to} has ${channel === undefined ? 'no channel' : `no channel ${channel}`} in notify.yaml`,
      );
    const results = [];
    for (const route of routes) results.push(await send(setup, to, route));
    const lines = results.map((one) => `${one.ok ? 'ok  ' : 'FAIL'}  ${one.channel}: ${one.detail}`);
    const missed = results.filter(({ ok }) => !ok);
    if (missed.length === 0) return done({ to, results }, ...lines);
    const message = `${to} did not get the message on ${missed.map(({ channel: name }) => name).join(', ')}`;
    return failed({ code: 'NOT_DELIVERED', message }, { to, results }, ...lines);
  } finally {
    close(setup);
  }
}

async function send({ notifiers }: NotifySetup, person: string, route: Route) {
  const message: Message = {
    id: `msg_${randomUUID()}`,
    person,
    createdAtMs: Date.now(),
    notices: [],
    more: 0,
  };
  const { channel, address, mention } = route;
  const to = {
    channel,
    ...(address !== undefined && { address }),
    ...(mention !== undefined && { mention }),
  };
  try {
    await notifiers.get(channel)?.deliver(message, to);
    return { channel, ok: true, detail: `taken, as ${message.id}` };
  } catch (error) {
    if (!(error instanceof Undelivered)) throw error;
    return { channel, ok: false, detail: error.message };
  }
}

async function read({ settings }: Context) {
  const file = settings.COUNTERSIGN_NOTIFY;
  if (file === undefined) throw new UserError('set COUNTERSIGN_NOTIFY to your notify.yaml', 2, 'USAGE');
  const bundle = await loadBundle(
    settings.COUNTERSIGN_BUNDLE,
    new FileTicketSource(settings.COUNTERSIGN_TICKETS),
  );
  if (!bundle.ok)
    throw new UserError(
      `the policy bundle in ${settings.COUNTERSIGN_BUNDLE} is not good (countersign policy check)`,
    );
  const { principals } = bundle.bundle;
  const result = readNotify(file, (id) => principals.includes(id));
  return result.ok ? { setup: result.setup, problems: [] } : { setup: undefined, problems: result.problems };
}

function close({ notifiers }: NotifySetup): void {
  for (const notifier of notifiers.values()) notifier.close();
}
