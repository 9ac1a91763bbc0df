import { readFileSync } from 'node:fs';
import { ChatNotifier, type ChatStyle } from '../../../src/channels/notifiers/chat';
import { EmailNotifier } from '../../../src/channels/notifiers/email';
import { MattermostNotifier } from '../../../src/channels/notifiers/mattermost';
import { SlackNotifier } from '../../../src/channels/notifiers/slack';
import { TeamsNotifier } from '../../../src/channels/notifiers/teams';
import { WebhookNotifier } from '../../../src/channels/notifiers/webhook';
import { keepsTheContract, LINKS } from '../../support/channels/contract';
import { FakeMattermost, MIRA } from '../../support/channels/fake-mattermost';
import { FakeSlack } from '../../support/channels/fake-slack';
import { HookReceiver } from '../../support/hook-receiver';
import { MailServer } from '../../support/mail-server';

keepsTheContract('mail', async () => {
  const login = { user: 'countersign', password: 'the password of the mail server' };
  const server = await MailServer.start(login);
  const notifier = new EmailNotifier({
    ...{ host: 'localhost', port: server.port, security: 'starttls', links: LINKS, ...login },
    from: { name: 'Countersign', address: 'countersign@mail.example' },
    ca: readFileSync(server.certificate.certFile, 'utf8'),
  });
  return {
    notifier,
    route: { channel: 'mail', address: 'mira@mail.example' },
    received: () => server.mails.map(({ text }) => text),
    secrets: [login.password],
    mostCharacters: 120_000,
    refuse: () => void server.stop(),
    stop: () => server.stop(),
  };
});

keepsTheContract('webhook', async () => {
  const hooks = await HookReceiver.start();
  const secret = Buffer.alloc(32, 7);
  const url = new URL(`http://127.0.0.1:${hooks.port}/hooks`);
  return {
    notifier: new WebhookNotifier({ url, secret, allowInternal: true, links: LINKS }),
    route: { channel: 'hooks' },
    received: () => hooks.posts.map(({ body }) => body),
    secrets: [secret.toString('base64')],
    mostCharacters: 120_000,
    refuse: () => {
      hooks.status = 500;
    },
    stop: () => hooks.close(),
  };
});

for (const style of ['slack', 'mattermost'] satisfies ChatStyle[])
  keepsTheContract(`incoming webhook of ${style}`, async () => {
    const hooks = await HookReceiver.start();
    const url = new URL(`http://127.0.0.1:${hooks.port}/services/T0/B0/XYZ`);
    return {
      notifier: new ChatNotifier({ url, style, allowInternal: true, links: LINKS }),
      route: { channel: 'chat', mention: 'U0MIRA' },
      received: () => hooks.posts.map(({ body }) => body),
      secrets: ['T0/B0/XYZ'],
      ...(style === 'slack' && { markup: /<!|<@U012|<at>/ }),
      mostCharacters: 120_000,
      refuse: () => {
        hooks.status = 500;
      },
      stop: () => hooks.close(),
    };
  });

keepsTheContract('a workflow of Teams', async () => {
  const hooks = await HookReceiver.start();
  const url = new URL(`http://127.0.0.1:${hooks.port}/workflows/5e/triggers/manual?sig=XYZ`);
  return {
    notifier: new TeamsNotifier({ url, allowInternal: true, links: LINKS }),
    route: { channel: 'teams' },
    received: () => hooks.posts.map(({ body }) => JSON.stringify(JSON.parse(body).attachments[0].content)),
    secrets: ['sig=XYZ'],
    mostCharacters: 28_000,
    markup: /<\/?at\b|\{\{|\$\{|"TextBlock"|"FactSet"|"Action\.(?!OpenUrl)/,
    refuse: () => {
      hooks.status = 500;
    },
    stop: () => hooks.close(),
  };
});

keepsTheContract('a bot of Mattermost', async () => {
  const mattermost = await FakeMattermost.start('token-of-the-bot');
  const choices = { gateway: 'https://countersign.example.com', secret: 'a secret of worker and gateway' };
  return {
    notifier: new MattermostNotifier({
      ...{ url: mattermost.url, token: 'token-of-the-bot', links: LINKS, choices },
    }),
    route: { channel: 'mattermost', mention: MIRA },
    received: () => [...mattermost.posts.values()].map((one) => JSON.stringify(one)),
    secrets: ['token-of-the-bot', choices.secret],
    mostCharacters: 20_000,
    refuse: () => {
      mattermost.trouble = { status: 503 };
    },
    stop: () => mattermost.stop(),
  };
});

keepsTheContract('the Slack app', async () => {
  const slack = await FakeSlack.start('xoxb-token');
  return {
    notifier: new SlackNotifier({ apiUrl: slack.apiUrl, token: 'xoxb-token', links: LINKS }),
    route: { channel: 'slack', mention: 'U0MIRA' },
    received: () => [...slack.messages.values()].map((one) => JSON.stringify(one)),
    secrets: ['xoxb-token'],
    mostCharacters: 100_000,
    markup: /<!|<@U012|<at>/,
    refuse: () => {
      slack.answer = { status: 503, body: {} };
    },
    stop: () => slack.stop(),
  };
});
