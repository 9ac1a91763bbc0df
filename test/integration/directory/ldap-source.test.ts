import { groupDn, Office, personDn } from './office';

const NOW = Date.now();
const HOUR = 3_600_000;
let office: Office;
beforeAll(async () => {
  office = await Office.open();
  for (const uid of ['erin', 'finn', 'gita', 'hugo', 'ivy']) await office.person(uid);
  await office.change('erin', 'employeeNumber', 'erin_dba');
  await office.change('finn', 'manager', personDn('erin'));
  await office.change('ivy', 'departmentNumber', '20300101000000Z');
  await office.group('database-admins', [personDn('erin'), personDn('finn'), groupDn('team')]);
  await office.group('team', [personDn('gita'), groupDn('database-admins')]);
  await office.group('security', [personDn('jonas')]);
}, 120_000);
afterAll(() => office?.close());
beforeEach(() => {
  office.lines.length = 0;
});

const dba = async (process: Awaited<ReturnType<Office['process']>>) =>
  (await process.current()).directory.membersOf('dba', NOW).map((id) => id.replace('person/', ''));
const changeId = (lines: readonly string[]) => /release (sha-256:[\w-]+)/.exec(lines.join('\n'))?.[1] ?? '';
const release = (change: string, by: string) =>
  office.run('release', change, '--as', `person/${by}`, '--key', office.key(by));

describe('DIR-1, DIR-3 people and groups come from an LDAP directory', () => {
  test('nobody counts before a reader has signed what it took; then they do, with accounts, sponsors and ends', async () => {
    const process = await office.process();
    expect(await dba(process)).toEqual([]);
    const lines = await office.sync();
    expect(lines[0]).toMatch(/^office: 5 people are active/);
    expect(lines.join('\n')).toMatch(/note: "database-admins" contains itself by other groups/);
    const { directory, files } = await process.current();
    expect(await dba(process)).toEqual(['erin', 'finn', 'gita']);
    expect(directory.identity('person/erin')).toMatchObject({ accounts: { warehouse: 'erin_dba' } });
    expect(directory.identity('person/finn')).toMatchObject({ sponsor: 'person/erin' });
    expect(directory.identity('person/ivy')).toMatchObject({ endsAtMs: Date.UTC(2030, 0, 1) });
    expect(directory.standingOf('person/ivy', Date.UTC(2030, 0, 1))).toMatchObject({ active: false });
    expect(files.get('directory.yaml')).toMatch(/^# office: snapshot sha-256:/);
    const shown = (await office.run('show', 'person/erin')).join('\n');
    expect(shown).toMatch(
      /person\/erin is active\n {2}from office since 20.*, active there\n {2}groups: dba/,
    );
    expect((await office.run('show'))[0]).toMatch(/^office: 5 people are active, 0 left; read .* ago/);
    expect((await office.run('diff', 'office')).join('\n')).toMatch(/\+ person\/gita in group dba/);
  });

  test('DIR-2 who is locked or removed at the source is gone at the next reading, and stays known as gone', async () => {
    const process = await office.process();
    await office.person('kai');
    await office.group('team', [personDn('gita'), personDn('hugo'), personDn('kai')]);
    await office.sync();
    expect(await dba(process)).toEqual(['erin', 'finn', 'gita', 'hugo', 'kai']);
    await office.change('gita', 'businessCategory', 'locked');
    await office.remove('hugo');
    await office.sync();
    const { directory } = await process.current();
    expect(await dba(process)).toEqual(['erin', 'finn', 'kai']);
    for (const id of ['person/gita', 'person/hugo'])
      expect(directory.standingOf(id, NOW)?.active).toBe(false);
    expect((await office.run('show', 'person/hugo')).join('\n')).toMatch(/is not active\n.*no longer there/);
    // Somebody new under the old name is not the one who left.
    await office.person('hugo');
    expect((await office.sync()).join('\n')).toMatch(
      /held: person\/hugo: person\/hugo was another account before/,
    );
    expect((await process.current()).directory.standingOf('person/hugo', NOW)?.active).toBe(false);
  });

  test('a group that is halved is held until a governor releases it; nobody else can', async () => {
    const process = await office.process();
    await office.group('database-admins', [personDn('erin')]);
    const held = await office.sync();
    expect(held.join('\n')).toMatch(/held: dba: 2 of its 3 members would no longer be in it/);
    expect(await dba(process)).toEqual(['erin', 'finn', 'kai']);
    expect(await release(changeId(held), 'felix')).toEqual([expect.stringMatching(/NOT_GOVERNANCE/)]);
    await office.sync();
    expect(await dba(process)).toEqual(['erin', 'finn', 'kai']);
    const change = changeId(held.filter((line) => line.includes('dba')));
    expect(await release(change, 'nadia')).toEqual([expect.stringMatching(/^released: dba/)]);
    await office.sync();
    expect(await dba(process)).toEqual(['erin']);
  });

  test('a source that makes everyone an approver, or a governor, changes nothing', async () => {
    const process = await office.process();
    const many = Array.from({ length: 8 }, (_, at) => `many${at}`);
    for (const uid of many) await office.person(uid);
    await office.group('database-admins', ['erin', ...many].map(personDn));
    await office.group('security', [personDn('many0')]);
    const lines = (await office.sync()).join('\n');
    expect(lines).toMatch(/held: dba: it would have 9 members, over its limit of 6/);
    expect(lines).toMatch(/held: security-operations: person\/many0 would hold the governance role/);
    expect(await dba(process)).toEqual(['erin']);
    expect((await process.current()).directory.standingOf('person/many0', NOW)?.roles).toEqual([]);
  });
});

describe('DIR-3 who can write to the database of the snapshots gives nothing and brings nobody back', () => {
  test('a snapshot that is changed, put back or deleted does not count, and that is told', async () => {
    const process = await office.process();
    const [old] = await office.postgres.query('SELECT * FROM countersign.source_word');
    await office.remove('finn');
    await office.sync();
    expect((await process.current()).directory.standingOf('person/finn', NOW)?.active).toBe(false);
    const before = (await process.current()).directory.digest;
    await office.postgres.query(
      `UPDATE countersign.source_snapshot SET content = replace(content, '"dba":["person/erin"]', '"dba":["person/erin","person/ivy"]')
        WHERE seq = (SELECT seq FROM countersign.source_word)`,
    );
    const fresh = await office.process();
    expect(await dba(fresh)).toEqual([]);
    expect(office.lines.join('\n')).toMatch(/no reader signed it .*DIGEST_MISMATCH/);
    await office.postgres.query('UPDATE countersign.source_word SET seq = $1, jws = $2', [
      old?.['seq'],
      old?.['jws'],
    ]);
    expect((await process.current()).directory.digest).toBe(before);
    await office.postgres.query('DELETE FROM countersign.source_word');
    expect((await process.current()).directory.digest).toBe(before);
    expect(office.lines.join('\n')).toMatch(/an older one was put back; the newest goes on to count/);
  });
});

describe('DIR-1 a source that is away', () => {
  test('leaves what it gave last, with its age; after the limit nobody approves by its groups, and nobody is gone', async () => {
    await office.group('database-admins', [personDn('erin')]);
    await office.sync();
    let nowMs = Date.now();
    const process = await office.process(() => nowMs);
    expect(await dba(process)).toEqual(['erin']);
    await office.ldap.halt();
    expect(await office.sync()).toEqual([
      expect.stringMatching(/^refused: office: the directory cannot be reached/),
    ]);
    expect(await dba(process)).toEqual(['erin']);
    nowMs += HOUR + 60_000;
    expect(await dba(process)).toEqual([]);
    expect((await process.current()).directory.standingOf('person/erin', NOW)?.active).toBe(true);
    expect(office.lines.join('\n')).toMatch(/away for too long; its groups and roles count no more/);
    await office.ldap.restart();
    await office.sync();
    nowMs = Date.now();
    expect(await dba(process)).toEqual(['erin']);
  });
});
