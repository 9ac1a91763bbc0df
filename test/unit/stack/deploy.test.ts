import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { SEARCH_ATTRIBUTES } from '../../../src/contracts/names';
import { readSettings } from '../../../src/contracts/settings';
import { SERVER_SETTINGS } from '../../../src/stack/temporal-server';

const ROOT = path.resolve(__dirname, '../../..');
const read = (file: string): string => readFileSync(path.join(ROOT, file), 'utf8');

const composeSchema = z.object({
  services: z.record(
    z.string(),
    z.object({
      image: z.string(),
      environment: z.record(z.string(), z.string()).default({}),
      ports: z.array(z.string()).default([]),
    }),
  ),
});

describe('the files for production', () => {
  const { services } = composeSchema.parse(parse(read('docker-compose.yml')));

  it('register every search attribute with its type', () => {
    const pairs = [...read('deploy/temporal/namespace.sh').matchAll(/^ {2}(\w+)=(\w+)/gm)];
    // `KeywordList` in the command's words is `KEYWORD_LIST` in the API's.
    const typeOf = (word = ''): string => word.replace(/(?<=[a-z])(?=[A-Z])/g, '_').toUpperCase();
    const registered = pairs.map(([, name, type]) => [name, typeOf(type)]);
    expect(Object.fromEntries(registered)).toEqual(SEARCH_ATTRIBUTES);
  });

  it('give the server the settings that it needs', () => {
    const environment = services['temporal']?.environment ?? {};
    expect(environment['DYNAMIC_CONFIG_FILE_PATH']).toBe('/countersign/server-settings.yaml');
    const valueSchema = z.record(z.string(), z.array(z.object({ value: z.union([z.string(), z.number()]) })));
    const settings = valueSchema.parse(parse(read('deploy/temporal/server-settings.yaml')));
    const values = Object.entries(settings).map(([name, [first]]) => [name, String(first?.value)]);
    expect(Object.fromEntries(values)).toEqual(SERVER_SETTINGS);
  });

  it('give the worker only settings that there are', () => {
    const environment = services['worker']?.environment ?? {};
    const settings = readSettings({ ...environment, COUNTERSIGN_LOG_LEVEL: 'info' });
    expect(settings).toMatchObject({ ok: true, settings: { COUNTERSIGN_BUNDLE: '/etc/countersign/bundle' } });
  });

  it('publish nothing beyond loopback', () => {
    const ports = Object.values(services).flatMap((service) => service.ports);
    expect(ports.length).toBeGreaterThan(0);
    expect(ports.filter((port) => !port.startsWith('127.0.0.1:'))).toEqual([]);
  });

  it('pin every image, and hold no secret', () => {
    for (const [name, { image, environment }] of Object.entries(services)) {
      expect(`${name} ${image}`).toMatch(/:(\d+\.\d+[\w.-]*|\$\{COUNTERSIGN_VERSION:-\d+\.\d+\.\d+\})$/);
      const secrets = Object.keys(environment).filter((key) => /(PASSWORD|PWD|SECRET|_URL)$/.test(key));
      expect(secrets).toEqual([]);
    }
  });
});
