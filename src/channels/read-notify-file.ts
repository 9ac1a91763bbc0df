import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { mattermostId } from '../contracts/mattermost';
import { type FileProblem, YamlFile } from '../directory/yaml-file';
import type { PrincipalId } from '../domain/principal';
import { webhookSecret } from '../outbound/standard-webhooks';
import { readPushKey } from '../push/push-key';
import type { PushSubscriptions } from '../push/subscriptions';
import type { Links } from './compose';
import { ChatNotifier } from './notifiers/chat';
import type { Notifier } from './notifiers/contract';
import { EmailNotifier } from './notifiers/email';
import { MattermostNotifier } from './notifiers/mattermost';
import { PushNotifier } from './notifiers/push';
import { SlackNotifier } from './notifiers/slack';
import { TeamsNotifier } from './notifiers/teams';
import { WebhookNotifier } from './notifiers/webhook';
import { type ChannelConfig, type NotifyConfig, notifySchema } from './notify-file';

/** A valid version of `notify.yaml`, ready to use. */
export interface NotifySetup {
  readonly config: NotifyConfig;
  readonly notifiers: ReadonlyMap<string, Notifier>;
}

export type ReadNotify =
  | { readonly ok: true; readonly setup: NotifySetup }
  | { readonly ok: false; readonly problems: readonly FileProblem[] };

const LARGEST_BYTES = 1024 * 1024;
const LARGEST_SECRET_BYTES = 64 * 1024;

/**
 * Reads `notify.yaml` and the secret files beside it. One problem refuses all of it. Problems name file and line, and contain no
 * secrets.
 *
 * @param knows returns true if the directory knows a principal
 * @param subscriptions who subscribed in a browser, for channels that push
 */
export function readNotify(
  file: string,
  knows: (id: PrincipalId) => boolean = () => true,
  subscriptions?: PushSubscriptions,
): ReadNotify {
  const name = path.basename(file);
  let source: string;
  try {
    if (statSync(file).size > LARGEST_BYTES) return one({ file: name, line: 1, message: 'is too large' });
    source = readFileSync(file, 'utf8');
  } catch {
    return one({ file, line: 1, message: 'cannot be read; COUNTERSIGN_NOTIFY names it' });
  }
  const yaml = new YamlFile(name, source);
  const decoded = yaml.decode(notifySchema);
  if (!decoded.ok) return decoded;
  const config = decoded.value;
  const problems = checkPeople(yaml, config, knows);
  const notifiers = new Map<string, Notifier>();
  for (const [channel, one] of Object.entries(config.channels)) {
    const made = notifierOf(one, path.dirname(path.resolve(file)), config.links ?? {}, subscriptions);
    if (made.ok) notifiers.set(channel, made.notifier);
    else problems.push(yaml.problem(['channels', channel, made.member], made.message));
  }
  if (problems.length > 0) return { ok: false, problems };
  return { ok: true, setup: { config, notifiers } };
}

const one = (problem: FileProblem): ReadNotify => ({ ok: false, problems: [problem] });

/** Checks that people and channels exist, and that each route has what its channel needs. */
function checkPeople(
  yaml: YamlFile,
  { people, channels }: NotifyConfig,
  knows: (id: PrincipalId) => boolean,
): FileProblem[] {
  return Object.entries(people).flatMap(([id, routes]) => {
    const unknown = knows(id)
      ? []
      : [yaml.problem(['people', id], `${id} is not in the directory; correct the name or remove it`)];
    const wrong = routes.flatMap(({ channel, address, mention }, index) => {
      const at = ['people', id, index, 'channel'];
      const kind = channels[channel]?.kind;
      if (kind === undefined)
        return [yaml.problem(at, `there is no channel ${channel}; declare it in "channels"`)];
      if (kind === 'push')
        return [yaml.problem(at, `people subscribe to ${channel} in their browser; remove this`)];
      if (routes.findIndex((other) => other.channel === channel) < index)
        return [yaml.problem(at, `${id} has the channel ${channel} twice; remove one`)];
      if (kind === 'email' && address === undefined)
        return [yaml.problem(at, `${channel} sends mail; add "address"`)];
      if (kind !== 'email' && address !== undefined)
        return [yaml.problem(at, `${channel} sends no mail; remove "address"`)];
      if (kind === 'slack' && mention === undefined)
        return [yaml.problem(at, `${channel} writes to members of Slack; add "mention"`)];
      if (kind === 'mattermost' && !mattermostId.safeParse(mention).success)
        return [
          yaml.problem(
            at,
            `${channel} writes to accounts of Mattermost; "mention" is an id of 26 characters`,
          ),
        ];
      if (kind !== 'chat' && kind !== 'slack' && kind !== 'mattermost' && mention !== undefined)
        return [yaml.problem(at, `${channel} is no chat; remove "mention"`)];
      return [];
    });
    return [...unknown, ...wrong];
  });
}

type Made =
  | { readonly ok: true; readonly notifier: Notifier }
  | { readonly ok: false; readonly member: string; readonly message: string };

function notifierOf(
  channel: ChannelConfig,
  folder: string,
  links: Links,
  subscriptions: PushSubscriptions | undefined,
): Made {
  const bad = (member: string, message: string): Made => ({ ok: false, member, message });
  const unreadable = (member: string) =>
    bad(member, `the file that "${member}" names cannot be read or is empty`);
  switch (channel.kind) {
    case 'email': {
      const { passwordFile, caFile, from, fromName, user, ...rest } = channel;
      const password = passwordFile === undefined ? undefined : secretIn(folder, passwordFile);
      if (passwordFile !== undefined && password === undefined) return unreadable('passwordFile');
      const ca = caFile === undefined ? undefined : secretIn(folder, caFile);
      if (caFile !== undefined && ca === undefined) return unreadable('caFile');
      const notifier = new EmailNotifier({
        ...rest,
        from: { name: fromName, address: from },
        links,
        ...(user !== undefined && { user }),
        ...(password !== undefined && { password }),
        ...(ca !== undefined && { ca }),
      });
      return { ok: true, notifier };
    }
    case 'webhook': {
      const secret = secretIn(folder, channel.secretFile);
      if (secret === undefined) return unreadable('secretFile');
      const key = webhookSecret(secret);
      if (key.length < 24)
        return bad('secretFile', 'the secret is too short; it is 24 random bytes or more in base64');
      const { allowInternal } = channel;
      return {
        ok: true,
        notifier: new WebhookNotifier({ url: new URL(channel.url), secret: key, allowInternal, links }),
      };
    }
    case 'chat':
    case 'teams': {
      const { host, allowInternal } = channel;
      const secret = secretIn(folder, channel.urlFile);
      if (secret === undefined) return unreadable('urlFile');
      const url = URL.canParse(secret) ? new URL(secret) : undefined;
      if (url === undefined || url.username !== '' || url.password !== '')
        return bad('urlFile', 'the file holds no web address');
      if (url.host !== host.toLowerCase())
        return bad('urlFile', `the address in the file does not lead to ${host}`);
      if (url.protocol !== 'https:' && !(allowInternal && url.protocol === 'http:'))
        return bad(
          'urlFile',
          'the address must be https; plain http is for inner ones, with allowInternal: true',
        );
      const to = { url, allowInternal, links };
      const notifier =
        channel.kind === 'teams' ? new TeamsNotifier(to) : new ChatNotifier({ ...to, style: channel.style });
      return { ok: true, notifier };
    }
    case 'slack': {
      const token = secretIn(folder, channel.tokenFile);
      if (token === undefined) return unreadable('tokenFile');
      return { ok: true, notifier: new SlackNotifier({ apiUrl: channel.apiUrl, token, links }) };
    }
    case 'mattermost': {
      const { url, choices } = channel;
      const token = secretIn(folder, channel.tokenFile);
      if (token === undefined) return unreadable('tokenFile');
      if (choices === undefined) return { ok: true, notifier: new MattermostNotifier({ url, token, links }) };
      const secret = secretIn(folder, choices.secretFile);
      if (secret === undefined || secret.length < 24)
        return bad('choices', 'the secret is missing or shorter than 24 characters');
      const to = { gateway: choices.gateway, secret };
      return { ok: true, notifier: new MattermostNotifier({ url, token, links, choices: to }) };
    }
    case 'push': {
      const { contact: subject, allowInternal } = channel;
      const key = secretIn(folder, channel.keyFile);
      if (key === undefined) return unreadable('keyFile');
      const pair = readPushKey(key);
      if (pair === undefined)
        return bad('keyFile', 'the file holds no key for push; make one with countersign notify push-key');
      return {
        ok: true,
        notifier: new PushNotifier({ vapid: { subject, ...pair }, subscriptions, allowInternal }),
      };
    }
  }
}

function secretIn(folder: string, file: string): string | undefined {
  try {
    const where = path.resolve(folder, file);
    if (statSync(where).size > LARGEST_SECRET_BYTES) return undefined;
    const secret = readFileSync(where, 'utf8').trim();
    return secret === '' ? undefined : secret;
  } catch {
    return undefined;
  }
}
