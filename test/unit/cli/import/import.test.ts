import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { parseAllDocuments, stringify } from 'yaml';
import { createContext } from '../../../../src/cli/context';
import { fromCodeowners } from '../../../../src/cli/import/codeowners';
import { draftOf } from '../../../../src/cli/import/draft-of';
import type { Importer } from '../../../../src/cli/import/kinds';
import { fromKubernetes } from '../../../../src/cli/import/kubernetes';
import { documentsOf, leavesOf } from '../../../../src/cli/import/source';
import { fromSsoElevator } from '../../../../src/cli/import/sso-elevator';
import { fromTeam } from '../../../../src/cli/import/team';
import { fromTeleport } from '../../../../src/cli/import/teleport';
import type { CommandResult } from '../../../../src/cli/output';
import { createProgram, defineCommand } from '../../../../src/cli/program';
import { PLAIN } from '../../../../src/cli/terminal';
import { CODEOWNERS, KUBERNETES, SSO_ELEVATOR, TEAM, TEAM_APPROVERS, TELEPORT } from './sources';

const root = mkdtempSync(path.join(tmpdir(), 'countersign-import-test-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const draft = (read: Importer, ...texts: readonly string[]) =>
  draftOf(
    'test',
    read,
    texts.map((text, index) => ({ file: `source-${index}`, text })),
  );

/** Each permit as one line: who, what, how long; and each denial. */
async function policiesOf(read: Importer, ...texts: readonly string[]): Promise<readonly string[]> {
  const { texts: files, problems } = await draft(read, ...texts);
  expect(problems).toEqual([]);
  const cedar = files.get('bundle/access.cedar') ?? '';
  return [
    ...cedar.matchAll(
      /(?:@max_duration\("(.*)"\)\n)?(permit|forbid) \(\n {2}principal in Group::"(.*)",\n[^;]*?resource(?: == Resource::"(.*)")?\n\);/g,
    ),
  ].map(([, max = '', kind, group, resource = 'everything']) => `${kind} ${group} ${resource} ${max}`.trim());
}

const leftOf = async (read: Importer, ...texts: readonly string[]) =>
  (await draft(read, ...texts)).accounted.left.map(({ path: at, text }) => `${at}: ${text}`);

describe('what is imported (DIR-5)', () => {
  test('roles of Teleport: what may be requested, by whom, for how long, and what is denied', async () => {
    expect(await policiesOf(fromTeleport, TELEPORT)).toEqual([
      'permit role-developer databases-env-prod-staging:db-write/payments_write 4h',
      'permit role-developer hosts-env-prod:root-prod/root 30m',
      'forbid role-root-prod databases-env-prod-staging:db-write/payments_write',
      'forbid role-dba everything',
    ]);
    const { texts } = await draft(fromTeleport, TELEPORT);
    expect(texts.get('bundle/paths.yaml')).toContain('approvers: ["role-dba"]\n        quorum: 2');
    expect(texts.get('bundle/directory.yaml')).toContain('members: ["person/mira_40example.com"]');
    const left = await leftOf(fromTeleport, TELEPORT);
    expect(left).toContainEqual(
      expect.stringMatching(/^document 2\.spec\.allow\.db_roles\[1\]: is a pattern/),
    );
    expect(left).toContainEqual(
      expect.stringMatching(/^document 2\.spec\.allow\.kubernetes_groups: a grant binds/),
    );
    expect(left).toContainEqual(
      expect.stringMatching(/^document 5\.spec\.allow\.review_requests\.roles\[0\]: a condition/),
    );
    expect(left).toContainEqual(
      expect.stringMatching(/^document 1\.spec\.allow\.logins: no role in the files may request/),
    );
  });

  test('bindings of Kubernetes: what was held becomes what may be asked for, and nobody of the cluster itself', async () => {
    expect(await policiesOf(fromKubernetes, KUBERNETES)).toEqual([
      'permit may-payments-deployer kubernetes:payments/deployer 1h',
      'permit payments-team kubernetes:payments/deployer 1h',
      'permit may-cluster-cluster-admin kubernetes:cluster/cluster-admin 1h',
    ]);
    const left = await leftOf(fromKubernetes, KUBERNETES);
    expect(left).toContainEqual(expect.stringMatching(/^document 1\.subjects\[2\]: is not a user/));
    expect(left).toContainEqual(expect.stringMatching(/^document 2\.subjects\[1\]: is not a user/));
    expect(left).toContainEqual(expect.stringMatching(/^document 4: names no namespace/));
  });

  test('policies of TEAM: only accounts that somebody approves for, with their hours', async () => {
    expect(await policiesOf(fromTeam, TEAM, TEAM_APPROVERS)).toEqual([
      'permit Developers aws:111111111111/ReadOnly 8h',
      'permit only-mira-example.com aws:111111111111/Admin 30d',
    ]);
    const left = await leftOf(fromTeam, TEAM, TEAM_APPROVERS);
    for (const what of [
      /accounts\[1\]: no approver policy/,
      /\.ous: which accounts/,
      /approvalRequired: the draft has somebody/,
      /^Items\[1\]: which accounts/,
    ])
      expect(left).toContainEqual(expect.stringMatching(what));
  });

  test('statements of sso-elevator: every approver of the same, no wildcard, nobody unapproved', async () => {
    expect(await policiesOf(fromSsoElevator, SSO_ELEVATOR)).toEqual([
      'permit requesters aws:111111111111/ReadOnly 1h',
      'permit requesters aws:111111111111/Admin 1h',
    ]);
    const { texts, complete } = await draft(fromSsoElevator, SSO_ELEVATOR);
    expect(texts.get('bundle/paths.yaml')).toContain(
      'approvers: ["approvers-111111111111", "approvers-111111111111-2"]',
    );
    expect(texts.get('bundle/access.cedar')).not.toContain('policy-alone');
    expect(complete).toContainEqual(expect.stringContaining('ssoins-TO-COMPLETE'));
  });

  test('CODEOWNERS: the last line decides, so earlier ones except it', async () => {
    expect(await policiesOf(fromCodeowners, CODEOWNERS)).toEqual([
      'permit contributors repository:any 1h',
      'permit contributors repository:any.go 1h',
      'permit contributors repository:docs 1h',
      'permit contributors repository:with-space 1h',
    ]);
    const { texts } = await draft(fromCodeowners, CODEOWNERS);
    expect(texts.get('bundle/catalog.yaml')).toContain(
      'path: "*", except: "/docs/ *.go /docs/ /vendor/ with\\\\ space/"',
    );
    const left = await leftOf(fromCodeowners, CODEOWNERS);
    expect(left).toContainEqual(expect.stringContaining('a later line has the same pattern'));
    expect(left).toContainEqual(expect.stringContaining('is not @user'));
    expect(left.filter((one) => one.includes('sections (GitLab)'))).toHaveLength(2);
  });

  test('names of the source that look alike to an identifier stay apart', async () => {
    const { texts, problems } = await draft(
      fromCodeowners,
      '/a b @x/one\n/a+b @x/one\n'.replace('a b', 'a\\ b'),
    );
    expect(problems).toEqual([]);
    expect(texts.get('bundle/catalog.yaml')).toContain('repository:a-b-2');
    const twins = KUBERNETES.replace('name: payments-team', 'name: "jonas_40example.com"').replace(
      'kind: Group',
      'kind: User',
    );
    expect(await leftOf(fromKubernetes, twins)).toContainEqual(
      expect.stringContaining('too like that of another'),
    );
  });
});

describe('nothing is dropped in silence (DIR-5)', () => {
  const SOURCES: readonly (readonly [Importer, readonly string[]])[] = [
    [fromTeleport, [TELEPORT]],
    [fromKubernetes, [KUBERNETES]],
    [fromTeam, [TEAM, TEAM_APPROVERS]],
    [fromSsoElevator, [SSO_ELEVATOR]],
  ];

  /** Puts a member into one of the maps of a file, or takes a value out and puts another in. */
  function changed(text: string, where: number, name: string, value: unknown): string {
    const documents = parseAllDocuments(text).map((document): unknown => document.toJS());
    const maps: Record<string, unknown>[] = [];
    const collect = (one: unknown): void => {
      if (typeof one !== 'object' || one === null) return;
      if (!Array.isArray(one)) maps.push(one as Record<string, unknown>);
      for (const below of Object.values(one)) collect(below);
    };
    collect(documents);
    const map = maps[where % maps.length];
    if (map !== undefined) map[name] = value;
    return documents.map((document) => stringify(document)).join('---\n');
  }

  test('every value of the source is expressed or listed, whatever is added or changed', async () => {
    const names = fc.constantFrom(
      'where',
      'deny',
      'filter',
      'roles',
      'name',
      'kind',
      'namespace',
      'id',
      'extra',
      'Resource',
      'duration',
      'logins',
    );
    const values = fc.oneof(
      fc.string({ maxLength: 12 }),
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      fc.array(fc.string({ maxLength: 8 }), { maxLength: 3 }),
      fc.dictionary(
        fc.stringMatching(/^[a-z]{1,6}$/),
        fc.array(fc.string({ maxLength: 4 }), { maxLength: 2 }),
        { maxKeys: 2 },
      ),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...SOURCES),
        fc.nat(500),
        names,
        values,
        async ([read, texts], where, name, value) => {
          const given = texts.map((text, index) =>
            index === where % texts.length ? changed(text, where, name, value) : text,
          );
          let drafted: Awaited<ReturnType<typeof draft>>;
          try {
            drafted = await draft(read, ...given);
          } catch (error) {
            // Refused as a whole, with the place: that is not silent either.
            expect(String(error)).toMatch(/source-\d:\d+: /);
            return;
          }
          expect(drafted.problems).toEqual([]);
          const { expressed, left } = drafted.accounted;
          const listed = (file: string, at: string) =>
            expressed.some((one) => one.file === file && one.path === at) ||
            left.some(
              (one) =>
                one.file === file &&
                (one.path === '(document)' ||
                  at === one.path ||
                  at.startsWith(`${one.path}.`) ||
                  at.startsWith(`${one.path}[`)),
            );
          for (const [index, text] of given.entries())
            for (const document of documentsOf({ file: `source-${index}`, text }))
              for (const leaf of leavesOf(document))
                if (!listed(leaf.file, leaf.path)) throw new Error(`${leaf.file} ${leaf.path} is dropped`);
        },
      ),
      { numRuns: 60 },
    );
  }, 120_000);

  test('every word of CODEOWNERS is expressed or listed', async () => {
    const { accounted } = await draft(fromCodeowners, CODEOWNERS);
    const words = CODEOWNERS.replace(/#.*/g, '').replace(/\\ /g, '_').split(/\s+/).filter(Boolean);
    const listed = [
      ...accounted.expressed,
      ...accounted.left.filter(({ path: at }) => at.startsWith('word')),
    ];
    const lines = accounted.left
      .filter(({ path: at }) => !at.startsWith('word'))
      .flatMap(({ path: at }) => at.split(' '));
    expect(listed.length + lines.length).toBe(words.length);
  });
});

describe('what is not known', () => {
  test.each<{ title: string; read: Importer; texts: readonly string[] }>([
    {
      title: 'Teleport requests',
      read: fromTeleport,
      texts: [TELEPORT.replace('max_duration: 4h', 'max_duration: 4h\n      only_on: monday')],
    },
    {
      title: 'Kubernetes bindings',
      read: fromKubernetes,
      texts: [KUBERNETES.replaceAll('\nroleRef:', '\nwhen: monday\nroleRef:')],
    },
    {
      title: 'TEAM policies',
      read: fromTeam,
      texts: [TEAM.replaceAll('"duration":', '"when": "monday", "duration":'), TEAM_APPROVERS],
    },
    {
      title: 'sso-elevator statements',
      read: fromSsoElevator,
      texts: [SSO_ELEVATOR.replaceAll('"Resource":', '"When": "monday", "Resource":')],
    },
  ])('might narrow it, so nothing is permitted: $title', async ({ read, texts }) => {
    expect((await policiesOf(read, ...texts)).filter((one) => one.startsWith('permit'))).toEqual([]);
    expect(await leftOf(read, ...texts)).toContainEqual(expect.stringContaining('not known here'));
  });

  test('a reviewer whose right has an unknown member approves nothing', async () => {
    const { texts } = await draft(
      fromTeleport,
      TELEPORT.replace('review_requests: { roles: [', 'review_requests: { filter: x, roles: ['),
    );
    expect(texts.get('bundle/paths.yaml')).not.toContain('"role-dba"');
  });
});

describe('countersign import', () => {
  async function run(...args: readonly string[]): Promise<CommandResult> {
    const program = createProgram(PLAIN);
    let result: CommandResult | undefined;
    await defineCommand(program, 'import', async (work) => {
      result = await work(await createContext({ HOME: root }, undefined));
    });
    await program.parseAsync(['import', ...args], { from: 'user' });
    if (result === undefined) throw new Error('import gave no result');
    return result;
  }
  const file = (name: string, content: string | Uint8Array): string => {
    writeFileSync(path.join(root, name), content);
    return path.join(root, name);
  };

  test('writes a draft that loads, says what is missing, and never touches a bundle that is there', async () => {
    const source = file('rb.yaml', KUBERNETES);
    const into = path.join(root, 'access');
    const { exitCode, data, lines } = await run('kubernetes', source, '--into', into);
    expect(exitCode).toBe(0);
    expect(data).toMatchObject({
      problems: [],
      left: expect.arrayContaining([expect.objectContaining({ file: source, line: 8 })]),
    });
    expect(lines).toContainEqual(expect.stringMatching(/name two people who govern/));
    expect(lines).toContainEqual(expect.stringMatching(/have no key/));
    const before = readFileSync(path.join(into, 'bundle', 'access.cedar'), 'utf8');
    await expect(
      run('kubernetes', file('other.yaml', KUBERNETES.replace('deployers', 'x')), '--into', into),
    ).rejects.toThrow(/has a bundle already/);
    expect(readFileSync(path.join(into, 'bundle', 'access.cedar'), 'utf8')).toBe(before);
  });

  test.each([
    ['not YAML', 'kind: [', /bad\.yaml:1: .*correct the file/],
    ['a key twice', 'kind: role\nkind: user\n', /bad\.yaml:2: .*unique/],
    ['an alias', 'a: &x 1\nb: *x\n', /bad\.yaml:2: aliases/],
    ['not text', new Uint8Array([0xff, 0xfe]), /bad\.yaml:1: is not UTF-8/],
    ['too large', 'x'.repeat(1024 * 1024 + 1), /bad\.yaml:1: is larger than/],
    ['too many values', `a: [${'1,'.repeat(20_001)}]`, /bad\.yaml:1: has more than/],
    ['nested too deep', `${'['.repeat(70)}${']'.repeat(70)}`, /bad\.yaml:1: is nested too deep/],
  ])('one error with file and line: %s', async (_title, content, message) => {
    await expect(
      run('teleport', file('bad.yaml', content), '--into', path.join(root, 'none')),
    ).rejects.toThrow(message);
    expect(existsSync(path.join(root, 'none'))).toBe(false);
  });

  test('a kind that is not known, and a file that is not there', async () => {
    await expect(run('okta', 'x')).rejects.toThrow(/there are teleport/);
    await expect(run('constructor', 'x')).rejects.toThrow(/there are teleport/);
    await expect(run('team', path.join(root, 'gone.json'))).rejects.toThrow(
      /gone\.json:1: cannot be read: ENOENT/,
    );
  });
});
