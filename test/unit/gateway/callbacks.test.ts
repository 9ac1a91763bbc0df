import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Callbacks } from '../../../src/gateway/requests/callbacks';
import { isInternalAddress } from '../../../src/outbound/inner-address';

describe('callbacks never reach inwards', () => {
  it.each([
    ...['127.0.0.1', '127.8.8.8', '0.0.0.0', '10.1.2.3', '172.16.0.1', '172.31.255.255', '192.168.1.1'],
    ...['169.254.169.254', '100.64.0.1', '192.0.0.8', '198.18.0.1', '224.0.0.1', '255.255.255.255'],
    ...['::1', '::', 'fe80::1', 'fc00::1', 'fd12::1', 'ff02::1', '::ffff:127.0.0.1', '::ffff:10.0.0.1'],
    ...['64:ff9b::7f00:1', '2002:7f00:1::', '2001:db8::1', 'localhost', '', '127.1', '0x7f000001'],
  ])('%s is inner', (address) => {
    expect(isInternalAddress(address)).toBe(true);
  });

  it.each(['8.8.8.8', '1.1.1.1', '172.32.0.1', '2606:4700::1111'])('%s is outer', (address) => {
    expect(isInternalAddress(address)).toBe(false);
  });
});

describe('a destination', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'countersign-callbacks-'));
  const secretFile = path.join(folder, 'secret');
  writeFileSync(secretFile, `whsec_${Buffer.alloc(24, 7).toString('base64')}`);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const names: Record<string, readonly string[]> = {
    'hooks.example': ['93.184.216.34'],
    'rebound.example': ['93.184.216.34', '127.0.0.1'],
    'metadata.example': ['169.254.169.254'],
  };
  let asked = 0;
  const resolve = async (host: string) => {
    asked += 1;
    const found = names[host];
    if (found === undefined) throw new Error('ENOTFOUND');
    return found;
  };
  const rule = (prefix: string, allowInternal = false) => ({
    prefix,
    principals: ['ci/payments'],
    secretFile,
    allowInternal,
  });
  const callbacks = new Callbacks(
    [
      rule('https://hooks.example/in'),
      rule('https://rebound.example/'),
      rule('https://metadata.example/'),
      rule('https://gone.example/'),
      rule('https://127.0.0.1/'),
      rule('https://[::1]/'),
      rule('https://10.0.0.7/allowed', true),
    ],
    resolve,
  );

  it('is one that was registered for the caller, at or below its path', async () => {
    const destination = await callbacks.destination('https://hooks.example/in/1', 'ci/payments');
    expect(destination).toMatchObject({ address: '93.184.216.34' });
    for (const [endpoint, who] of [
      ['https://hooks.example/in/1', 'bot/deployer'],
      ['https://hooks.example/inner', 'ci/payments'],
      ['https://hooks.example/in/../out', 'ci/payments'],
      ['https://hooks.example:8443/in', 'ci/payments'],
      ['http://hooks.example/in', 'ci/payments'],
      ['https://user@hooks.example/in', 'ci/payments'],
      ['https://hooks.example/in#x', 'ci/payments'],
      ['https://hooks.example.evil/in', 'ci/payments'],
      ['nonsense', 'ci/payments'],
    ] as const)
      expect(await callbacks.destination(endpoint, who)).toBeUndefined();
  });

  it('is no inner address, whatever name it goes by', async () => {
    for (const endpoint of [
      'https://rebound.example/',
      'https://metadata.example/',
      'https://gone.example/',
      'https://127.0.0.1/',
      'https://[::1]/',
      'https://2130706433/',
    ])
      expect(await callbacks.destination(endpoint, 'ci/payments')).toBeUndefined();
    expect(await callbacks.destination('https://10.0.0.7/allowed', 'ci/payments')).toMatchObject({
      address: '10.0.0.7',
    });
  });

  it.each(['', 'whsec_', 'whsec_c2VjcmV0', '   '])('is signed with no such secret as %j', async (secret) => {
    const file = path.join(folder, 'weak');
    const made = () => new Callbacks([{ ...rule('https://hooks.example/in'), secretFile: file }], resolve);
    writeFileSync(file, secret);
    expect(made).toThrow(/weak: needs a secret of/);
    writeFileSync(file, `whsec_${Buffer.alloc(24, 7).toString('base64')}`);
    const one = made();
    expect(await one.destination('https://hooks.example/in', 'ci/payments')).toBeDefined();
    writeFileSync(file, secret);
    expect(await one.destination('https://hooks.example/in', 'ci/payments')).toBeUndefined();
  });

  it('is looked up anew each time: a name may lead elsewhere by then', async () => {
    const before = asked;
    await callbacks.destination('https://hooks.example/in', 'ci/payments');
    names['hooks.example'] = ['127.0.0.1'];
    expect(await callbacks.destination('https://hooks.example/in', 'ci/payments')).toBeUndefined();
    expect(asked - before).toBe(2);
    expect(await callbacks.deliver('https://hooks.example/in', 'ci/payments', {}, 'msg_1')).toBe('later');
    expect(await callbacks.deliver('https://hooks.example/in', 'bot/deployer', {}, 'msg_1')).toBe('gone');
  });
});
