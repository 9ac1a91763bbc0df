import { projected } from '../../../src/gateway/scim/view';

const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
const user = {
  schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'],
  id: 'one',
  userName: 'mia',
  name: { givenName: 'Mia', familyName: 'Berg' },
  emails: [{ value: 'mia@acme.example', type: 'work' }],
  [ENTERPRISE]: { department: 'payments', employeeNumber: '7' },
};
const { schemas, id } = user;

describe('DIR-1 which attributes of a resource are shown', () => {
  test.each([
    ['none named: all', [], [], user],
    ['a whole attribute', ['USERNAME'], [], { schemas, id, userName: 'mia' }],
    ['a member', ['name.givenName'], [], { schemas, id, name: { givenName: 'Mia' } }],
    ['a member of each', ['emails.value'], [], { schemas, id, emails: [{ value: 'mia@acme.example' }] }],
    ['a member and the whole', ['name.givenName', 'name'], [], { schemas, id, name: user.name }],
    [
      'of an extension',
      [`${ENTERPRISE}:department`],
      [],
      { schemas, id, [ENTERPRISE]: { department: 'payments' } },
    ],
    ['asked for wins over excluded', ['userName'], ['name'], { schemas, id, userName: 'mia' }],
    ['always shown', [], ['id', 'schemas'], user],
    ['a member excluded', [], ['name.givenName'], { ...user, name: { familyName: 'Berg' } }],
    ['most excluded', [], ['name', 'emails', ENTERPRISE], { schemas, id, userName: 'mia' }],
  ])('%s', (_, attributes, excluded, shown) => {
    expect(projected(user, { attributes, excluded })).toStrictEqual(shown);
  });
});
