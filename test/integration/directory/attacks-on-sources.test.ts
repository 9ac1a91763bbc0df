import { digestOfText } from '../../../src/domain/digest';
import { readKeyFile } from '../../../src/signing/keys';
import { signPushed } from '../../../src/signing/sources';
import { runCommand } from '../../support/directory-command';
import { Provider, PushedOffice } from '../../support/pushed-office';

/* An identity provider, or whoever has its token, against the rules for what a source may do. */

jest.setTimeout(120_000);

let office: PushedOffice;
let provider: Provider;
let erin: string;
let dba: string;
beforeAll(async () => {
  office = await PushedOffice.open();
  provider = new Provider(await office.gateway());
  erin = await provider.user('erin');
  dba = await provider.group('Database admins', [
    erin,
    await provider.user('finn'),
    await provider.user('gita'),
  ]);
  await office.sync();
}, 120_000);
afterAll(() => office?.close());

const NOW = Date.now();
const admins = async () => (await (await office.process()).current()).directory.membersOf('dba', NOW);
const THREE = ['person/erin', 'person/finn', 'person/gita'];

describe('DIR-3 what a source that is pushed cannot do', () => {
  test('make everyone an approver, or a governor', async () => {
    const many = await Promise.all(Array.from({ length: 8 }, (_, at) => provider.user(`many${at}`)));
    await provider.patch(`/Groups/${dba}`, {
      op: 'add',
      path: 'members',
      value: many.map((value) => ({ value })),
    });
    await provider.group('Security', [many[0] ?? '']);
    const said = (await office.sync()).join('\n');
    expect(said).toMatch(/held: dba: it would have 11 members, over its limit of 6/);
    expect(said).toMatch(/held: security-operations: person\/many0 would hold the governance role/);
    expect(await admins()).toEqual(THREE);
    await provider.patch(`/Groups/${dba}`, {
      op: 'remove',
      path: 'members',
      value: many.map((value) => ({ value })),
    });
  });

  test('delete a group, or empty it, until a governor releases that; who leaves meanwhile is gone', async () => {
    const { id } = (await provider.call('/Users?filter=userName%20eq%20%22gita%22')).json.Resources[0];
    await provider.call(`/Groups/${dba}`, 'DELETE');
    await provider.patch(`/Users/${id}`, { op: 'replace', path: 'active', value: false });
    const said = (await office.sync()).join('\n');
    expect(said).toMatch(/held: dba: it would have no members/);
    expect(await admins()).toEqual(['person/erin', 'person/finn']);
    await provider.patch(`/Users/${id}`, { op: 'replace', path: 'active', value: true });
    const everyone = await provider.call(
      '/Users?filter=userName%20sw%20%22finn%22%20or%20userName%20eq%20%22gita%22',
    );
    const members = everyone.json.Resources.map((one: { id: string }) => one.id);
    dba = await provider.group('Database admins', [erin, ...members]);
    await office.sync();
    expect(await admins()).toEqual(THREE);
  });

  test('turn one person into another: by renaming, by making them anew, by letters that look alike', async () => {
    await provider.patch(`/Users/${erin}`, { op: 'replace', path: 'userName', value: 'somebody-else' });
    expect((await office.sync()).join('\n')).toMatch(
      /person\/erin was renamed; they would be person\/somebody-else/,
    );
    await provider.patch(`/Users/${erin}`, { op: 'replace', path: 'userName', value: 'erin' });
    await office.sync();
    const kai = await provider.user('kai');
    await office.sync();
    await provider.call(`/Users/${kai}`, 'DELETE');
    await provider.user('kai');
    expect((await office.sync()).join('\n')).toMatch(
      /held: person\/kai: person\/kai was another account before/,
    );
    // The `а` is Cyrillic.
    await provider.user('nadia2', { displayName: 'Nаdia' });
    expect((await office.sync()).join('\n')).toMatch(
      /person\/nadia2 is not taken: its name .* reads like that of/,
    );
    expect((await (await office.process()).current()).directory.identity('person/nadia2')).toBeUndefined();
  });

  test('send without end, or more than may be stored', async () => {
    const { createConnection } = await import('node:net');
    const { hostname, port } = new URL(provider.web.base);
    const socket = createConnection(Number(port), hostname);
    let answer = '';
    let sent = 0;
    await new Promise<void>((resolve) => {
      socket.on('data', (chunk) => {
        answer += chunk.toString();
        resolve();
      });
      socket.on('close', () => resolve());
      socket.on('error', () => resolve());
      socket.write(
        `POST /scim/v2/Users HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${provider.token}\r\nContent-Type: application/scim+json\r\nTransfer-Encoding: chunked\r\n\r\n`,
      );
      const chunk = Buffer.alloc(64 * 1024, 32);
      const more = () => {
        if (socket.destroyed || answer !== '' || sent > 1024 ** 3) return;
        sent += chunk.length;
        socket.write(`${chunk.length.toString(16)}\r\n`);
        socket.write(Buffer.concat([chunk, Buffer.from('\r\n')]), () => setImmediate(more));
      };
      more();
    });
    socket.destroy();
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
    // It was cut long before the gigabyte. What lay in buffers on the way is not much.
    expect(sent).toBeLessThan(64 * 1024 * 1024);
    await office.postgres.query('UPDATE countersign.pushed_source SET bytes = 64 * 1024 * 1024');
    const full = await provider.call('/Users', 'POST', { userName: 'one-too-many' });
    expect([full.status, full.json.scimType]).toEqual([413, 'tooMany']);
    // To say that somebody left goes through all the same, although `false` is longer than `true`.
    const { id } = (await provider.call('/Users?filter=userName%20eq%20%22many1%22')).json.Resources[0];
    const left = await provider.patch(`/Users/${id}`, { op: 'replace', path: 'active', value: false });
    expect(left.json).toMatchObject({ active: false });
    expect((await provider.call(`/Users/${id}`, 'DELETE')).status).toBe(204);
    await office.postgres.query('UPDATE countersign.pushed_source SET bytes = 0');
  });

  test('flap every second: each reading is one whole state, and nobody gets more by it', async () => {
    const process = await office.process();
    const seen = new Set<string>();
    for (let round = 0; round < 6; round += 1) {
      await provider.patch(`/Users/${erin}`, { op: 'replace', path: 'active', value: round % 2 === 1 });
      await office.sync();
      seen.add((await process.current()).directory.membersOf('dba', NOW).join(' '));
    }
    expect([...seen].sort()).toEqual(['person/erin person/finn person/gita', 'person/finn person/gita']);
  });
});

describe('DIR-3 who can write to the database of what was pushed', () => {
  test('gives nobody anything, and has no gateway sign it', async () => {
    const tampered = (value: string) =>
      office.postgres.query('UPDATE countersign.pushed_resource SET content = $2 WHERE id = $1', [
        dba,
        value,
      ]);
    const [row] = await office.postgres.query(
      'SELECT content FROM countersign.pushed_resource WHERE id = $1',
      [dba],
    );
    const { id } = (await provider.call('/Users?filter=userName%20eq%20%22many2%22')).json.Resources[0];
    await tampered(JSON.stringify({ displayName: 'Database admins', members: [{ value: id }] }));
    const { status } = await provider.patch(`/Groups/${dba}`, {
      op: 'add',
      path: 'members',
      value: [{ value: erin }],
    });
    expect(status).toBe(500);
    expect(await office.sync()).toEqual([expect.stringMatching(/^refused: office: Group .* does not count/)]);
    expect(await admins()).toEqual(THREE);
    await tampered(String(row?.['content']));
    await office.sync();
    // The reader's own key signs snapshots, and not what was pushed.
    const key = await readKeyFile(office.key('directory'));
    const forged = JSON.stringify({ displayName: 'Database admins', members: [{ value: id }] });
    const about = {
      source: 'office',
      kind: 'Group',
      id: dba,
      version: 99,
      digest: digestOfText(forged),
    } as const;
    await office.postgres.query(
      'UPDATE countersign.pushed_resource SET content = $2, jws = $3, version = 99 WHERE id = $1',
      [dba, forged, await signPushed(about, 'service/directory', key, Date.now())],
    );
    expect(await office.sync()).toEqual([expect.stringMatching(/is not a gateway with the role recorder/)]);
    expect(await admins()).toEqual(THREE);
  });
});

describe('DIR-1 doctor', () => {
  test('says of each source how old it is, what failed last, what is held, and when its provider called', async () => {
    const source = async () =>
      (await runCommand('doctor', { ...office.env, ...ADDRESSES() })).find((line) =>
        line.includes('source office'),
      ) ?? '';
    const ADDRESSES = () => ({ COUNTERSIGN_CONNECTOR_WAREHOUSE_URL: office.postgres.url });
    const before = await source();
    expect(before).toMatch(/source office: read \d+s ago; .*its identity provider called \d+s ago/);
    await office.postgres.query("UPDATE countersign.pushed_resource SET jws = 'x' WHERE id = $1", [dba]);
    await office.sync();
    const after = await source();
    expect(after).toMatch(/^FAIL {2}source office: .*failed \ds ago: Group .* does not count/);
    await provider.call(`/Groups/${dba}`, 'DELETE');
    await office.sync();
    const held = await source();
    expect(held).not.toMatch(/failed/);
    expect(held).toMatch(/FAIL {2}source office: .*\d changes are held/);
  });
});
