import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { readRequestFile, requestFrom } from '../../../src/cli/request-file';

const MEMBERS = {
  requester: 'ci/payments',
  entitlement: 'warehouse:payments#write',
  duration: '1h30m',
  reason: 'deploy',
};
let file: string;
beforeAll(() => {
  file = path.join(mkdtempSync(path.join(tmpdir(), 'countersign-request-')), 'request.yaml');
  writeFileSync(
    file,
    'requester: ci/other\nentitlement: warehouse:reporting#read\nduration: 5m\nreason: report\nticket: OPS-1\n',
  );
});
afterAll(() => rmSync(path.dirname(file), { recursive: true }));

test('options alone make a request', () => {
  expect(requestFrom(MEMBERS, undefined, 0)).toMatchObject({
    kind: 'access',
    requester: 'ci/payments',
    beneficiary: 'ci/payments',
    entitlement: { connector: 'warehouse', resource: 'payments', action: 'write' },
    durationMs: 5_400_000,
    emergency: false,
  });
});

test('TTA-3 access that begins later: an instant in the request, however the time was written', () => {
  const startOf = (notBefore: string) => requestFrom({ ...MEMBERS, notBefore }, undefined, 0).notBeforeMs;
  expect(startOf('2h')).toBe(7_200_000);
  const instant = Date.parse('2026-11-28T01:00Z');
  for (const text of ['2026-11-28T01:00Z', '2026-11-28T02:00+01:00', '2026-11-28T02:00[Europe/Berlin]'])
    expect(startOf(text)).toBe(instant);
  expect(requestFrom(MEMBERS, undefined, 0)).not.toHaveProperty('notBeforeMs');
});

test('a start that is over, or that is a local time of no place, is wrong usage', () => {
  const nowMs = Date.parse('2026-11-28T01:00Z');
  const refusalOf = (notBefore: string) => () => requestFrom({ ...MEMBERS, notBefore }, undefined, nowMs);
  expect(refusalOf('2026-11-28T01:00Z')).toThrow(/--at: 2026-11-28T01:00:00.000Z .* is over/);
  expect(refusalOf('2026-11-28T02:00')).toThrow(/--at: .*has no zone/);
});

test('options replace members of a file, and leave the others', async () => {
  const read = await readRequestFile(file, 0, { duration: '10m', beneficiary: 'ci/payments' });
  expect(read).toMatchObject({
    signed: false,
    request: { requester: 'ci/other', beneficiary: 'ci/payments', durationMs: 600_000, ticket: 'OPS-1' },
  });
});

test('what is wrong with options is wrong usage, what is wrong in a file is an invalid request', async () => {
  expect(() => requestFrom({ ...MEMBERS, entitlement: 'all' }, undefined, 0)).toThrow(
    expect.objectContaining({ exitCode: 2, message: expect.stringContaining('connector:resource#action') }),
  );
  await expect(readRequestFile(file, 0, { duration: 'soon' })).rejects.toMatchObject({ exitCode: 2 });
  await expect(readRequestFile(file, 0, { entitlement: 'all' })).rejects.toMatchObject({
    code: 'INVALID_REQUEST',
  });
});

test('a signed submission is not changed by options', async () => {
  const signed = path.join(path.dirname(file), 'signed.json');
  writeFileSync(signed, JSON.stringify({ request: {}, proof: {} }));
  await expect(readRequestFile(signed, 0, { reason: 'x' })).rejects.toThrow(
    /is signed, so options cannot change it/,
  );
});

test('TTA-3 a file that is not UTF-8 is refused, instead of being signed as another text', async () => {
  const latin = path.join(path.dirname(file), 'latin.yaml');
  writeFileSync(latin, Buffer.from('reason: caf\u00e9\n', 'latin1'));
  await expect(readRequestFile(latin, 0)).rejects.toMatchObject({
    code: 'INVALID_REQUEST',
    message: expect.stringContaining('not UTF-8'),
  });
});
