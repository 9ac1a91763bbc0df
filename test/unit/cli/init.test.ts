import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import Ajv from 'ajv';
import { parse } from 'yaml';
import { createContext } from '../../../src/cli/context';
import { grantFieldsOf, TARGET_KINDS } from '../../../src/cli/init/answers';
import { checkBundleIn } from '../../../src/cli/init/check';
import type { CommandResult } from '../../../src/cli/output';
import { createProgram, defineCommand } from '../../../src/cli/program';
import { PLAIN } from '../../../src/cli/terminal';
import { settingNames } from '../../../src/connectors';
import { FileTicketSource, loadBundle } from '../../../src/policy';

const root = mkdtempSync(path.join(tmpdir(), 'countersign-init-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let folders = 0;
const newDir = (): string => {
  folders += 1;
  return path.join(root, `company-${folders}`);
};

/** Runs `init` in this process. `answers` are what a person at a terminal types. */
async function init(
  args: readonly string[],
  answers?: readonly string[],
): Promise<CommandResult & { questions: string[] }> {
  const program = createProgram(PLAIN);
  const questions: string[] = [];
  let result: CommandResult | undefined;
  const left = [...(answers ?? [])];
  await defineCommand(program, 'init', async (work) => {
    const ask =
      answers &&
      (async (question: string) => {
        questions.push(question);
        return left.shift() ?? '';
      });
    result = await work(await createContext({ HOME: root }, undefined, ask));
  });
  await program.parseAsync(['init', ...args], { from: 'user' });
  if (result === undefined) throw new Error('init came to no result');
  return { ...result, questions };
}

const PEOPLE = ['--company', 'Example', '--governor', 'nadia,viktor', '--team', 'payments'];
const COMMON = [
  ...PEOPLE,
  '--approver',
  'mira',
  '--approver',
  'tomas=Tomas Berg',
  '--workload',
  'ci/payments',
  '--owner',
  'ines',
];
const WAREHOUSE = ['--connector', 'warehouse', '--grant', 'role=payments_write', '--account', 'payments_ci'];
const ALL = ['--yes', ...COMMON, ...WAREHOUSE];

/** Everything in a folder, by path. */
const contentOf = (dir: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    readdirSync(dir, { recursive: true, encoding: 'utf8' })
      .filter((name) => statSync(path.join(dir, name)).isFile())
      .map((name) => [name, readFileSync(path.join(dir, name), 'utf8')]),
  );

/** Grants and accounts that need a form of their own. Every other kind takes a word for each needed field. */
const FORMS: Readonly<Record<string, { readonly grant: readonly string[]; readonly account?: string }>> = {
  kubernetes: { grant: ['namespace=payments', 'role=deployer'] },
  'ldap-group': { grant: ['group=cn=dba,ou=groups,dc=example,dc=com'] },
  'keycloak-group': { grant: ['group=/payments/dba'] },
  'aws-identity-center': {
    grant: [
      'account=123456789012',
      'permissionSet=arn:aws:sso:::permissionSet/ssoins-1234567890abcdef/ps-1234567890abcdef',
    ],
  },
};

describe('DIR-5 a first bundle of one’s own', () => {
  test.each(
    TARGET_KINDS.map((definition) => ({ kind: definition.kind, definition })),
  )('for a target of kind $kind it is valid, its cases pass, and a foreign validator accepts its files', async ({
    kind,
    definition,
  }) => {
    const dir = newDir();
    const words = (grantFieldsOf(definition) ?? [{ name: 'group', isNeeded: true }])
      .filter(({ isNeeded }) => isNeeded)
      .map(({ name }) => `${name}=payments`);
    const { grant, account = 'payments_ci' } = FORMS[kind] ?? { grant: words };
    const args = [...COMMON, '--kind', kind, '--grant', ...grant, '--account', account];
    const { exitCode, lines } = await init([dir, '--yes', ...args]);
    expect([exitCode, lines.filter((line) => line.startsWith('ok')).length]).toEqual([0, 2]);
    expect((await checkBundleIn(path.join(dir, 'bundle'))).cases).toBe(9);
    const files = contentOf(dir);
    const env = files['countersign.env'];
    for (const name of settingNames(kind, definition)) expect(env).toContain(`#${name}=\n`);
    const setUp = Object.entries(files).find(([name]) => name.startsWith('setup/'))?.[1];
    expect(setUp?.trim().length).toBeGreaterThan(10);
    for (const [name, schema] of [
      ...['directory', 'catalog', 'paths'].map((one) => [`bundle/${one}.yaml`, one] as const),
      ['bundle/tests/access.yaml', 'tests'] as const,
      ['requests/first.yaml', 'request'] as const,
    ]) {
      const [, at = ''] = /^# yaml-language-server: \$schema=(\S+)\n/.exec(files[name] ?? '') ?? [];
      const schemaText = files[path.join(path.dirname(name), at)] ?? '';
      expect(path.basename(at)).toBe(`${schema}.schema.json`);
      const validate = new Ajv({ strict: false, validateFormats: false }).compile(JSON.parse(schemaText));
      expect([validate(parse(files[name] ?? '')), validate.errors]).toEqual([true, null]);
    }
  });

  test('every limit is said, no key is in the bundle, and only their owner reads keys and settings', async () => {
    const dir = newDir();
    await init([dir, ...ALL, '--max-duration', '1m']);
    const files = contentOf(dir);
    expect(files['bundle/access.cedar']).toContain('@max_duration("1m")');
    const { paths, askingAgain, emergencies } = parse(files['bundle/paths.yaml'] ?? '');
    expect(paths['payments-approves']).toMatchObject({
      maxDuration: '1m',
      stages: [{ quorum: 1, expireAfter: '8h' }],
    });
    expect([askingAgain.limit, emergencies.limit]).toEqual([3, 3]);
    for (const [name, text] of Object.entries(files))
      if (!name.startsWith('.countersign/')) expect(text).not.toMatch(/"d":|password=./);
    const modeOf = (name: string) => (statSync(path.join(dir, name)).mode & 0o777).toString(8);
    expect(modeOf('countersign.env')).toBe('600');
    expect(modeOf('.countersign')).toBe('700');
    const keys = Object.keys(files).filter((name) => name.startsWith('.countersign/keys/'));
    expect(keys).toHaveLength(7);
    for (const name of keys) expect(modeOf(name)).toBe('600');
    expect(files['.gitignore']).toMatch(/^\.countersign\/$/m);
    expect(files['.gitignore']).toMatch(/^countersign\.env$/m);
  });

  test('what only a control is for is nothing that the target has to grant', async () => {
    const dir = newDir();
    await init([dir, ...ALL]);
    const loaded = await loadBundle(path.join(dir, 'bundle'), new FileTicketSource(undefined));
    expect(loaded.ok && loaded.bundle.connectors.map(({ grants }) => grants)).toEqual([
      [{ role: 'payments_write' }],
    ]);
  });

  test('on a terminal it asks, says what does not fit, and takes defaults', async () => {
    const dir = newDir();
    const said = [
      'Example',
      'nadia, viktor',
      'payments',
      'mira',
      'mira, tomas',
      'ci/payments',
      'ines',
      '',
      '',
    ];
    const { exitCode, questions } = await init(
      [dir],
      [...said, 'warehouse', '', '', 'payments_write', '', 'payments_ci', ''],
    );
    expect(exitCode).toBe(0);
    expect(questions.some((one) => one.includes('takes two people'))).toBe(true);
    expect(readFileSync(path.join(dir, 'bundle/catalog.yaml'), 'utf8')).toContain('"role": "payments_write"');
  });

  test('again, it changes nothing, and adds what is missing', async () => {
    const dir = newDir();
    await init([dir, ...ALL]);
    writeFileSync(path.join(dir, 'bundle/guard.cedar'), `// ours\n${contentOf(dir)['bundle/guard.cedar']}`);
    rmSync(path.join(dir, 'bundle/tests/access.yaml'));
    rmSync(path.join(dir, 'README.md'));
    const before = contentOf(dir);
    const { data } = await init([dir, '--yes']);
    const after = contentOf(dir);
    expect(after).toMatchObject(before);
    expect(data).toMatchObject({
      written: expect.arrayContaining(['bundle/tests/access.yaml', 'README.md']),
    });
    expect(Object.keys(after).length).toBe(Object.keys(before).length + 2);
    expect(contentOf(dir)).toEqual(after);
  });

  test('a directory that was lost is written with the keys that are there', async () => {
    const dir = newDir();
    await init([dir, ...ALL]);
    const before = contentOf(dir);
    rmSync(path.join(dir, 'bundle/directory.yaml'));
    await init([dir, '--yes']);
    expect(contentOf(dir)).toEqual(before);
  });

  test('in a folder that has other files it leaves them', async () => {
    const dir = newDir();
    mkdirSync(path.join(dir, '.git'), { recursive: true });
    writeFileSync(path.join(dir, 'README.md'), 'ours\n');
    await init([dir, ...ALL]);
    expect(readFileSync(path.join(dir, 'README.md'), 'utf8')).toBe('ours\n');
    expect(existsSync(path.join(dir, 'bundle/catalog.yaml'))).toBe(true);
    expect(readdirSync(dir).filter((name) => name.startsWith('.init-'))).toEqual([]);
  });

  test('approvers can be invited to register a passkey, and then have no keys', async () => {
    const dir = newDir();
    const { lines } = await init([dir, ...ALL, '--gateway', 'http://localhost:8080']);
    expect(
      lines.filter((line) => /^enrol person\/(mira|tomas) http:\/\/localhost:8080\/enrol\S+$/.test(line)),
    ).toHaveLength(2);
    expect(contentOf(dir)['.countersign/keys/person-mira.jwk']).toBeUndefined();
    expect((statSync(path.join(dir, '.countersign/invitations.txt')).mode & 0o777).toString(8)).toBe('600');
  });

  test('the example bundle is copied, explained, and good', async () => {
    const dir = newDir();
    const { exitCode } = await init([dir, '--from-demo']);
    expect(exitCode).toBe(0);
    expect((await checkBundleIn(path.join(dir, 'bundle'))).cases).toBeGreaterThan(15);
    const { 'README.md': readme = '', ...files } = contentOf(dir);
    for (const name of Object.keys(files).filter((one) => /^bundle\/[^/]+$|^bundle\/tests\//.test(one)))
      expect(readme).toContain(name);
  });
});

describe('DIR-5 bad input is one clear line, and nothing is half written', () => {
  const without = (...flags: readonly string[]) =>
    ALL.filter((word, index) => !flags.includes(word) && !flags.includes(ALL[index - 1] ?? ''));
  test.each<readonly [string, readonly string[], RegExp]>([
    ['nobody to ask', ['--yes'], /^nobody is here to ask, so say --company, --governor \(twice\), --team/],
    ['no grant', [...without('--grant')], /say --grant role=… \[accepts=…\]/],
    ['one governor', [...without('--governor'), '--governor', 'nadia'], /^--governor: takes two people/],
    [
      'one person twice',
      [...without('--governor'), '--governor', 'nadia,nadia'],
      /^--governor: names somebody twice/,
    ],
    ['a governor who approves', [...ALL, '--approver', 'nadia'], /^--approver: person\/nadia governs/],
    [
      'an owner who approves',
      [...without('--owner'), '--owner', 'mira'],
      /^--approver: takes two people besides the owner/,
    ],
    [
      'a person for a workload',
      [...without('--workload'), '--workload', 'person/x'],
      /^--workload: person\/x is a person/,
    ],
    [
      'a name that is none',
      [...without('--team'), '--team', 'Pay ments'],
      /^--team: "Pay ments" is not a name here/,
    ],
    [
      'an action of controls',
      [...ALL, '--action', 'disable'],
      /^--action: "disable" is kept for changes to controls/,
    ],
    [
      'an unknown kind',
      [...ALL, '--kind', 'oracle'],
      /^--kind: "oracle" is not a kind of target; there are postgresql/,
    ],
    ['a grant of another kind', [...without('--grant'), '--grant', 'group=x'], /^--grant: /],
    ['a grant without a value', [...ALL, '--grant', 'role'], /^--grant: "role" is not NAME=VALUE/],
    ['too long', [...ALL, '--max-duration', '90d'], /^--max-duration: is not a duration from 1m to 30d/],
    [
      'pages that no passkey can belong to',
      [...ALL, '--gateway', 'http://10.0.0.1/x'],
      /^--gateway: passkeys work over https/,
    ],
    ['both', ['--from-demo', ...ALL], /^--from-demo: copies the example as it is/],
  ])('%s', async (_, args, message) => {
    const dir = newDir();
    const failure = await init([dir, ...args]).then(
      () => undefined,
      (error: Error) => error.message,
    );
    expect(failure).toMatch(message);
    expect(failure).not.toContain('\n');
    expect(existsSync(dir)).toBe(false);
    expect(readdirSync(root).filter((name) => name.includes('.init-'))).toEqual([]);
  });

  test('other answers than before', async () => {
    const dir = newDir();
    await init([dir, ...ALL]);
    await expect(init([dir, '--yes', '--team', 'other'])).rejects.toThrow(
      /another answer for team, and init changes nothing/,
    );
  });

  test('a bundle that somebody else wrote', async () => {
    const dir = newDir();
    mkdirSync(path.join(dir, 'bundle'), { recursive: true });
    writeFileSync(path.join(dir, 'bundle/directory.yaml'), 'people: {}\n');
    await expect(init([dir, ...ALL])).rejects.toThrow(/has a bundle that init did not write/);
    expect(Object.keys(contentOf(dir))).toEqual(['bundle/directory.yaml']);
  });

  test('a bundle that its own hand has broken is told, and stays', async () => {
    const dir = newDir();
    await init([dir, ...ALL]);
    const file = path.join(dir, 'bundle/paths.yaml');
    writeFileSync(file, readFileSync(file, 'utf8').replace('maxDuration:', 'maxDuraton:'));
    const { error } = await init([dir, '--yes']);
    expect(error?.message).toMatch(
      /^bundle\/paths\.yaml:\d+: "maxDuraton" is not known here; .*did you mean "maxDuration"\?/,
    );
  });

  test('a file where the folder should be', async () => {
    const file = newDir();
    writeFileSync(file, '');
    await expect(init([file, ...ALL])).rejects.toThrow(/is a file; name a folder/);
  });
});
