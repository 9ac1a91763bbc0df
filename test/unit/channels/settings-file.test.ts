import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { readNotify } from '../../../src/channels/read-notify-file';
import { makePushKey } from '../../../src/push/push-key';

const folder = mkdtempSync(path.join(tmpdir(), 'countersign-notify-file-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const write = (name: string, text: string) => {
  writeFileSync(path.join(folder, name), text);
  return path.join(folder, name);
};

const GOOD = `channels:
  mail: { kind: email, host: smtp.example.com, from: countersign@example.com, user: us, passwordFile: password }
  hooks: { kind: webhook, url: "https://hooks.example.com/in", secretFile: secret }
  chat: { kind: chat, style: slack, host: hooks.slack.com, urlFile: chat }
links: { request: "https://countersign.example.com/r/{id}" }
people:
  person/mira:
    - { channel: mail, address: mira@example.com }
    - { channel: chat, mention: U012AB3CD }
  ci/payments: [{ channel: hooks }]
`;

/** With a channel for browsers, whose people are not in the file. */
const PUSHING = GOOD.replace(
  'links:',
  '  phone: { kind: push, keyFile: push, contact: "mailto:ops@example.com" }\nlinks:',
);

function problemsOf(text: string): readonly string[] {
  write('password', 'PASSWORD-IN-THE-FILE');
  write('secret', `whsec_${Buffer.alloc(32, 1).toString('base64')}`);
  write('short', 'whsec_c2hvcnQ=');
  write('chat', 'https://hooks.slack.com/services/T0/B0/SECRET-PART');
  write('elsewhere', 'https://evil.example/services/T0/B0/SECRET-PART');
  write('clear', 'http://hooks.slack.com/services/T0/B0/SECRET-PART');
  write('push', makePushKey());
  const read = readNotify(write('notify.yaml', text), (id) => ['person/mira', 'ci/payments'].includes(id));
  if (!read.ok) return read.problems.map((one) => `${one.file}:${one.line}: ${one.message}`);
  for (const notifier of read.setup.notifiers.values()) notifier.close();
  return [];
}

describe('FRI-2 notify.yaml is read strictly', () => {
  test('a good one is taken, with a pace of its own', () => {
    expect(problemsOf(GOOD)).toEqual([]);
    const here = GOOD.replace('https://countersign.example.com/r/', 'http://localhost:8080/requests/');
    expect(problemsOf(here)).toEqual([]);
    expect(problemsOf(PUSHING)).toEqual([]);
  });

  it.each([
    ['keyFile: push', 'keyFile: secret', 5, 'the file holds no key for push'],
    ['keyFile: push', 'keyFile: gone', 5, 'the file that "keyFile" names cannot be read'],
    ['mailto:ops@example.com', 'ops@example.com', 5, 'is not mailto:ADDRESS or an https address'],
    ['[{ channel: hooks }]', '[{ channel: phone }]', 11, 'people subscribe to phone in their browser'],
  ])('of a channel for browsers, %s as %s is a problem with its line', (good, bad, line, message) => {
    const [problem = ''] = problemsOf(PUSHING.replace(good, bad));
    expect(problem).toContain(`notify.yaml:${line}: `);
    expect(problem).toContain(message);
    expect(problem).not.toMatch(/whsec_|"d":/);
  });

  it.each([
    ['passwordFile: password', 'passwordFile: gone', 2, 'the file that "passwordFile" names cannot be read'],
    [', passwordFile: password', '', 2, 'belong together'],
    ['user: us, passwordFile: password', 'security: none', 2, 'only for a mail server on this machine'],
    ['host: smtp.example.com', 'host: "smtp.example.com\\r\\nRCPT"', 2, 'is not a host name'],
    [
      'from: countersign@example.com',
      'from: "a@example.com\\r\\nBcc: all@example.com"',
      2,
      'is not a mail address',
    ],
    ['https://hooks.example.com/in', 'http://hooks.example.com/in', 3, 'must be https'],
    ['https://hooks.example.com/in', 'https://us:pw@hooks.example.com/in', 3, 'must have no user'],
    ['secretFile: secret', 'secretFile: short', 3, 'the secret is too short'],
    ['urlFile: chat', 'urlFile: elsewhere', 4, 'does not lead to hooks.slack.com'],
    ['urlFile: chat', 'urlFile: clear', 4, 'must be https'],
    ['/r/{id}', '/r/', 5, 'must be an https address, or one of http://localhost, with {id} in it'],
    ['https://countersign.example.com/r', 'http://countersign.example.com/r', 5, 'must be an https address'],
    ['https://countersign.example.com/r', 'http://localhost.example.com/r', 5, 'must be an https address'],
    ['"https://countersign', '"http://countersign', 5, 'must be an https address'],
    ['mira@example.com', '"mira@example.com, all@example.com"', 8, 'is not a mail address'],
    ['channel: mail, address: mira@example.com', 'channel: mail', 8, 'add "address"'],
    ['channel: mail', 'channel: fax', 8, 'there is no channel fax'],
    ['U012AB3CD', 'here', 9, 'would notify everybody'],
    ['U012AB3CD', '"U1> <!channel"', 9, "is not a person's name"],
    ['ci/payments', 'ci/unknown', 10, 'is not in the directory'],
    ['links:', 'linkz:', 5, 'is not known here'],
  ])('%s as %s is a problem with its line', (good, bad, line, message) => {
    expect(GOOD).toContain(good);
    const problems = problemsOf(GOOD.replace(good, bad));
    expect(problems.join('\n')).toContain(`notify.yaml:${line}: `);
    expect(problems.join('\n')).toContain(message);
    expect(problems.join('\n')).not.toMatch(/PASSWORD-IN-THE-FILE|SECRET-PART|whsec_/);
  });
});
