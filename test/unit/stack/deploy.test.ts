import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { addressVariable } from '../../../src/connectors/settings';
import { SEARCH_ATTRIBUTES } from '../../../src/contracts/names';
import { SERVER_SETTINGS } from '../../../src/stack/temporal-server';
import { exampleBundle } from '../policy/example';

const ROOT = path.resolve(__dirname, '../../..');
const read = (file: string): string => readFileSync(path.join(ROOT, file), 'utf8');

const composeSchema = z.object({
  services: z.record(
    z.string(),
    z.object({
      image: z.string(),
      environment: z.record(z.string(), z.string()).default({}),
      ports: z.array(z.string()).default([]),
      secrets: z.array(z.string()).default([]),
      volumes: z.array(z.union([z.string(), z.object({ target: z.string() })])).default([]),
    }),
  ),
  volumes: z.record(z.string(), z.unknown()),
  secrets: z.record(z.string(), z.unknown()),
});

describe('the files for production', () => {
  const { services, volumes, secrets } = composeSchema.parse(
    parse(read('docker-compose.yml'), { merge: true }),
  );

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

  it('give the worker an address of every connector of the catalog and of the ledger, each a secret that it has', async () => {
    const worker = services['worker'];
    const { connectors } = await exampleBundle();
    expect(connectors.length).toBeGreaterThan(1);
    const variables = [...connectors.map(({ name }) => addressVariable(name)), 'COUNTERSIGN_LEDGER_URL'];
    const files = variables.map((variable) => worker?.environment[`${variable}_FILE`]);
    for (const file of files) expect(file).toMatch(/^\/run\/secrets\/.+/);
    const named = files.map((file) => path.basename(file ?? ''));
    expect(worker?.secrets).toEqual(expect.arrayContaining(named));
    expect(Object.keys(secrets)).toEqual(expect.arrayContaining(worker?.secrets ?? []));
  });

  it('AUD-4, OVR-4 give the worker tickets to look up and an archive that outlives it', () => {
    const { environment = {}, volumes: mounted = [] } = services['worker'] ?? {};
    const targets = mounted.map((mount) => (typeof mount === 'string' ? mount.split(':')[1] : mount.target));
    expect(targets).toContain(path.dirname(environment['COUNTERSIGN_TICKETS'] ?? ''));
    const archive = environment['COUNTERSIGN_ARCHIVE'];
    const volume = mounted.find((mount) => mount === `archive:${archive}`);
    expect(volume).toBeDefined();
    expect(volumes).toHaveProperty('archive');
    // A new volume takes its owner from the image; without this line the worker could not write to it.
    expect(read('deploy/Dockerfile')).toContain(`--owner node --group node ${archive}`);
  });

  it('publish nothing beyond loopback', () => {
    const ports = Object.values(services).flatMap((service) => service.ports);
    expect(ports.length).toBeGreaterThan(0);
    expect(ports.filter((port) => !port.startsWith('127.0.0.1:'))).toEqual([]);
  });

  it('pin every image, and hold no secret', () => {
    for (const [name, { image, environment }] of Object.entries(services)) {
      expect(`${name} ${image}`).toMatch(/:(v?\d+\.\d+[\w.-]*|\$\{COUNTERSIGN_VERSION:-\d+\.\d+\.\d+\})$/);
      const secrets = Object.keys(environment).filter((key) => /(PASSWORD|PWD|SECRET|_URL)$/.test(key));
      expect(secrets).toEqual([]);
    }
  });
});
