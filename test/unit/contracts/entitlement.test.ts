import { namedEntitlement } from '../../../src/contracts/request';
import { entitlementName, parseEntitlement } from '../../../src/domain/request';

describe('one notation of entitlements', () => {
  test.each(['warehouse:reporting#read', 'kubernetes:prod/payments#pods.exec'])('%s', (name) => {
    const entitlement = namedEntitlement.parse(name);
    expect(parseEntitlement(name)).toEqual(entitlement);
    expect(entitlementName(entitlement)).toBe(name);
  });

  test.each([
    '',
    'warehouse',
    'warehouse:reporting',
    ':reporting#read',
    'warehouse:#read',
    'a:b#',
    'a:b#c#d',
  ])('%j is not an entitlement', (name) => {
    expect(parseEntitlement(name)).toBeUndefined();
    expect(namedEntitlement.safeParse(name).success).toBe(false);
  });
});
