import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { readSettings } from '../../../src/contracts/settings';
import { EXAMPLE_BUNDLE_DIR } from '../../../src/project';

/* That the file is one that Compose takes, scripts/check-compose.mjs tries. */

const ROOT = path.resolve(EXAMPLE_BUNDLE_DIR, '..');
const { services, secrets } = parse(readFileSync(path.join(ROOT, 'docker-compose.yml'), 'utf8'), {
  merge: true,
});

/** What stands in the file, with the defaults of its variables. */
const filled = (value: string): string => value.replace(/\$\{[A-Z_]+:-([^}]*)\}/g, '$1');

describe.each(['worker', 'gateway'])('SHP-1 the program %s in the compose file', (name) => {
  const { environment, volumes, command, healthcheck, ...service } = services[name];
  const set: Readonly<Record<string, string>> = Object.fromEntries(
    Object.entries<string>(environment).map(([variable, value]) => [variable, filled(value)]),
  );

  test('has only settings that the program knows', () => {
    expect(readSettings(set)).toMatchObject({ ok: true });
  });

  test('finds each file that a setting names', () => {
    const mounted = [
      ...volumes.map((one: string | { target: string }) =>
        typeof one === 'string' ? one.split(':')[1] : one.target,
      ),
      ...service.secrets.map((one: string) => `/run/secrets/${one}`),
    ];
    const named = [...Object.values(set), ...command].filter((value) => /^\/(run|etc|var)\//.test(value));
    expect(named.length).toBeGreaterThan(5);
    for (const file of named)
      expect([file, mounted.some((place) => file === place || file.startsWith(`${place}/`))]).toEqual([
        file,
        true,
      ]);
    for (const one of service.secrets) expect(secrets).toHaveProperty([one]);
  });

  test('runs twice, with a root file system that is only read, no capabilities, and a check that asks the program alone', () => {
    expect(service.deploy.replicas).toBe(2);
    expect(service).toMatchObject({
      read_only: true,
      cap_drop: ['ALL'],
      security_opt: ['no-new-privileges:true'],
    });
    expect(healthcheck.test.join()).toMatch(/http:\/\/127\.0\.0\.1:\d+\/(livez|readyz)/);
  });

  test('is scraped where it serves its metrics', () => {
    const [job] = parse(
      readFileSync(path.join(ROOT, 'deploy/prometheus/compose.yml'), 'utf8'),
    ).scrape_configs;
    const [{ names, port }] = job.dns_sd_configs;
    expect(names).toContain(name);
    expect(String(port)).toBe(set['COUNTERSIGN_METRICS_PORT']);
  });
});

test('SHP-1 what the compose file mounts from the checkout is there', () => {
  const places = Object.values<{ volumes?: readonly (string | object)[] }>(services).flatMap(
    ({ volumes = [] }) =>
      volumes.flatMap((one) =>
        typeof one === 'string' && one.startsWith('./') ? [one.split(':')[0] ?? ''] : [],
      ),
  );
  expect(places.length).toBeGreaterThan(4);
  expect(places.filter((place) => !existsSync(path.join(ROOT, place)))).toEqual([]);
});
