import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import { isPrincipalId } from '../../domain/principal';
import { type Message, type NotifySetup, type Route, readNotify, Undelivered } from '../../notify';
import { FileTicketSource, loadBundle } from '../../policy';
import type { Context } from '../context';
import { done, failed, type Outcome, UserError, usageError } from '../output';

/** `countersign notify check | test` */
export function registerNotify(
  program: Command,
  run: (work: (context: Context) => Promise<Outcome>) => void,
): void {
  const notify = program.command('notify').description('where people are told of what awaits them');
  notify
    .command('check')
    .description('check the file that COUNTERSIGN_NOTIFY names, and the secrets beside it')
    .action(() => run(check));
  notify
    .command('test')
    .description('send one person a test message by every way they want to be told')
    .requiredOption('--to <principal>', 'for example person/mira')
    .option('--channel <channel>', 'by this one only')
    .action((options: { to: string; channel?: string }) => run((context) => test(options, context)));
}

async function check(context: Context): Promise<Outcome> {
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

async function test({ to, channel }: { to: string; channel?: string }, context: Context): Promise<Outcome> {
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
    const message = `${to} was not told by ${missed.map(({ channel: name }) => name).join(', ')}`;
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
  if (file === undefined)
    throw new UserError(
      'set COUNTERSIGN_NOTIFY to the notify.yaml that says where people are told',
      2,
      'USAGE',
    );
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
