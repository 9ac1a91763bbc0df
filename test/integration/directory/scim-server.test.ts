import { Provider, PushedOffice, TOKEN } from '../../support/pushed-office';

const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
const COUNTERSIGN = 'urn:countersign:params:scim:schemas:extension:2.0:User';
let office: PushedOffice;
let provider: Provider;
let other: Provider;
beforeAll(async () => {
  office = await PushedOffice.open();
  provider = new Provider(await office.gateway());
  other = new Provider(await office.gateway());
}, 120_000);
afterAll(() => office?.close());

describe('DIR-1 an identity provider pushes people and groups (SCIM 2.0)', () => {
  test('several gateways share what was pushed; a reader takes it over as it takes over any source', async () => {
    const ada = await provider.user('Ada.L', {
      nickName: 'ada_dba',
      [COUNTERSIGN]: { endDate: '2040-01-01' },
    });
    const finn = await other.user('finn@example.com', { [ENTERPRISE]: { manager: { value: ada } } });
    const gita = await provider.user('gita', { active: false });
    const inner = await other.group('Night shift', [gita, finn]);
    await provider.group('Database admins', [ada, inner]);
    expect((await other.call(`/Users/${ada}`)).json).toMatchObject({ id: ada, userName: 'Ada.L' });
    const process = await office.process();
    expect((await office.sync())[0]).toMatch(/^office: 2 people are active/);
    const { directory } = await process.current();
    expect(directory.membersOf('dba', Date.now())).toEqual(['person/ada.l', 'person/finn_40example.com']);
    expect(directory.identity('person/ada.l')).toMatchObject({
      accounts: { warehouse: 'ada_dba' },
      endsAtMs: Date.UTC(2040, 0, 1),
    });
    expect(directory.identity('person/finn_40example.com')).toMatchObject({ sponsor: 'person/ada.l' });
    expect(directory.standingOf('person/gita', Date.now())?.active).toBe(false);
  });

  test('filters, paging, projections and entity tags', async () => {
    const find = async (filter: string) =>
      (await provider.call(`/Users?filter=${encodeURIComponent(filter)}`)).json.Resources.map(
        (one: { userName: string }) => one.userName,
      );
    expect(await find('userName eq "ADA.L"')).toEqual(['Ada.L']);
    expect(await find('userName sw "fi" or displayName co "of gita"')).toEqual(['finn@example.com', 'gita']);
    expect(await find('active eq false and not (userName eq "x")')).toEqual(['gita']);
    expect(await find(`${ENTERPRISE}:manager.value pr`)).toEqual(['finn@example.com']);
    expect(await find('externalId pr')).toEqual([]);
    const page = (await provider.call('/Users?startIndex=2&count=1&attributes=userName')).json;
    expect(page).toMatchObject({ totalResults: 3, startIndex: 2, itemsPerPage: 1 });
    expect(Object.keys(page.Resources[0]).sort()).toEqual(['id', 'schemas', 'userName']);
    const groups = (await provider.call('/Groups?excludedAttributes=members')).json.Resources;
    expect(groups.map((one: object) => 'members' in one)).toEqual([false, false]);
    const { id } = (await provider.call('/Users?filter=userName%20eq%20%22gita%22')).json.Resources[0];
    const { headers } = await provider.call(`/Users/${id}`);
    const etag = String(headers['etag']);
    expect((await provider.call(`/Users/${id}`, 'GET', undefined, { 'if-none-match': etag })).status).toBe(
      304,
    );
    const change = { Operations: [{ op: 'replace', path: 'title', value: 'x' }] };
    expect((await provider.call(`/Users/${id}`, 'PATCH', change, { 'if-match': etag })).status).toBe(200);
    expect((await other.call(`/Users/${id}`, 'PATCH', change, { 'if-match': etag })).status).toBe(412);
  });

  test('Entra ID and Okta change things in their own ways', async () => {
    const id = await provider.user('hugo');
    const patched = async (...operations: readonly object[]) =>
      (await provider.patch(`/Users/${id}`, ...operations)).json;
    expect(
      await patched(
        { op: 'Add', path: 'emails[type eq "work"].value', value: 'hugo@example.com' },
        { op: 'Replace', path: 'name.familyName', value: 'Hugo' },
        { op: 'Add', path: `${ENTERPRISE}:department`, value: 'IT' },
        { op: 'Add', path: 'phoneNumbers[type eq "mobile"].value', value: '+49 1' },
        { op: 'Replace', path: 'active', value: 'False' },
      ),
    ).toMatchObject({
      emails: [{ type: 'work', value: 'hugo@example.com' }],
      name: { familyName: 'Hugo' },
      [ENTERPRISE]: { department: 'IT' },
      active: false,
    });
    expect(await patched({ op: 'replace', value: { active: true, 'name.givenName': 'H' } })).toMatchObject({
      active: true,
      name: { familyName: 'Hugo', givenName: 'H' },
    });
    const one = await provider.user('ivy');
    const group = await provider.group('Everyone', [id]);
    const members = async (...operations: readonly object[]) =>
      ((await provider.patch(`/Groups/${group}`, ...operations)).json.members ?? []).map(
        ({ value }: { value: string }) => value,
      );
    expect(await members({ op: 'Add', path: 'members', value: [{ value: one }] })).toEqual([id, one]);
    expect(await members({ op: 'Remove', path: 'members', value: [{ value: id }] })).toEqual([one]);
    expect(await members({ op: 'remove', path: `members[value eq "${one}"]` })).toEqual([]);
    expect((await provider.call(`/Users/${id}`, 'DELETE')).status).toBe(204);
    expect((await provider.call(`/Users/${id}`)).status).toBe(404);
  });

  test('DIR-2 a replacement that does not say whether somebody is active brings nobody back', async () => {
    const id = await provider.user('kim', { active: false });
    const put = async (about: object) =>
      (await provider.call(`/Users/${id}`, 'PUT', { userName: 'kim', ...about })).json.active;
    expect(await put({ title: 'x' })).toBe(false);
    expect(await put({ active: true })).toBe(true);
  });

  test('what is not valid is refused, and nothing of it stays', async () => {
    const said = async (...of: Parameters<Provider['call']>) => {
      const { status, json } = await provider.call(...of);
      return [status, json.scimType];
    };
    expect(await said('/Users', 'POST', { userName: 'ADA.l' })).toEqual([409, 'uniqueness']);
    expect(await said('/Users', 'POST', { displayName: 'nobody' })).toEqual([400, 'invalidValue']);
    expect(await said('/Users', 'POST', { userName: 'x', active: 'perhaps' })).toEqual([400, 'invalidValue']);
    expect(await said('/Users', 'POST', { userName: 'x'.repeat(201) })).toEqual([400, 'invalidValue']);
    expect(await said('/Users', 'POST', { userName: 'a\0b' })).toEqual([400, 'invalidValue']);
    const { id } = (await provider.call('/Users?filter=userName%20eq%20%22ivy%22')).json.Resources[0];
    const before = (await provider.call(`/Users/${id}`)).json;
    const operations = [
      { op: 'replace', path: 'title', value: 'changed' },
      { op: 'replace', path: 'id', value: 'other' },
    ];
    expect(await said(`/Users/${id}`, 'PATCH', { Operations: operations })).toEqual([400, 'mutability']);
    expect((await provider.call(`/Users/${id}`)).json).toEqual(before);
    expect(await said('/Bulk', 'POST', {})).toEqual([404, undefined]);
    expect(await said('/Users', 'PUT', {})).toEqual([405, undefined]);
  });

  test('only who has the token gets in, and both tokens count while it changes', async () => {
    const { writeFileSync } = await import('node:fs');
    const next = 'the-next-token-of-the-identity-provider';
    const statusOf = async (token: string) => (await new Provider(provider.web, token).call('/Users')).status;
    expect(await statusOf(`${TOKEN}x`)).toBe(401);
    expect((await provider.web.call('/scim/v2/Users')).headers['www-authenticate']).toMatch(/^Bearer/);
    expect(await statusOf(next)).toBe(401);
    writeFileSync(`${office.keys}/token`, `${TOKEN}\n${next}\n`);
    expect([await statusOf(TOKEN), await statusOf(next)]).toEqual([200, 200]);
    writeFileSync(`${office.keys}/token`, 'short\n');
    expect(await statusOf('short')).toBe(401);
    writeFileSync(`${office.keys}/token`, `${TOKEN}\n`);
  });
});
