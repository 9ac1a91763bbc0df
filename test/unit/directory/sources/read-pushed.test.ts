import { PushedReader } from '../../../../src/directory/sources/pushed/read-pushed';
import type { PushedRow } from '../../../../src/directory/sources/pushed/store';
import { sourceSchema } from '../../../../src/directory/sources/sources-file';

const rules = sourceSchema.parse({
  kind: 'scim-server',
  tokenFile: 'token',
  people: { accounts: { mail: 'emails', warehouse: 'name.familyName' }, endDate: 'title' },
  groups: { dba: { from: 'Admins', most: 9 } },
});
if (rules.kind !== 'scim-server') throw new Error('another kind');
const row = (version: number, about: object, jws = `jws ${version}`): PushedRow => ({
  ...{ id: 'one', kind: 'User', name: 'ada', externalId: undefined, version, jws },
  content: JSON.stringify({ userName: 'ada', ...about }),
  ...{ createdAtMs: 0, changedAtMs: 0 },
});
let rows: readonly PushedRow[] = [];
const readerWith = (verify: () => Promise<string | undefined>) =>
  new PushedReader({ all: async () => rows }, verify);

test('DIR-3 a row that was put back to an older version, or that no gateway signed, makes the source unreadable', async () => {
  const reader = readerWith(async () => undefined);
  rows = [row(3, { active: true })];
  await reader.read('office', rules);
  rows = [row(4, { active: false })];
  expect((await reader.read('office', rules)).people).toMatchObject([{ active: false }]);
  rows = [row(3, { active: true })];
  await expect(reader.read('office', rules)).rejects.toThrow('put back to an older version');
  await expect(readerWith(async () => 'no').read('office', rules)).rejects.toThrow(
    'User one does not count: no',
  );
});

test('DIR-1 accounts, names and ends are taken from the paths that sources.yaml names', async () => {
  rows = [
    row(1, {
      name: { familyName: 'L', givenName: 'Ada' },
      title: 'some day',
      emails: [{ value: 'a@example.com' }, { value: 'b@example.com', primary: true }],
    }),
  ];
  const { people, groups } = await readerWith(async () => undefined).read('office', rules);
  // An end that nobody can read counts as past.
  expect(people).toMatchObject([
    { name: 'Ada L', active: false, accounts: { mail: 'b@example.com', warehouse: 'L' }, stable: 'one' },
  ]);
  expect(groups).toEqual([{ ref: 'missing Admins', name: 'Admins', members: [] }]);
});
