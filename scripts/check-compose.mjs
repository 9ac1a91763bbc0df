// Checks docker-compose.yml by Compose's own rules (schema, interpolation) and for names that nothing declares. The rules
// come from `docker compose` where it is installed, else from the reference implementation, which Go runs as a module.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

const REFERENCE = 'github.com/compose-spec/compose-go/v2/cmd@v2.16.2';
const REQUIRED = /\$\{([A-Z_]+):\?[^}]*\}/g;

const file = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', 'docker-compose.yml');
const text = readFileSync(file, 'utf8');

/** Leaves out the caller's settings, so that the file is checked and not the machine. */
const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !text.includes(`{${name}:`)));
const run = (command, args) => spawnSync(command, args, { env, encoding: 'utf8' });

const checkers = [
  [
    'docker compose',
    'docker',
    ['compose', 'version'],
    (at) => ['compose', '--file', at, 'config', '--quiet'],
  ],
  ['compose-go', 'go', ['version'], (at) => ['run', REFERENCE, at]],
];
const checker = checkers.find(([, command, probe]) => run(command, probe).status === 0);
if (checker === undefined) fail('install docker with its compose plugin, or Go');
const [name, command, , argsFor] = checker;

const folder = mkdtempSync(path.join(tmpdir(), 'check-compose-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
// The reference implementation's command takes no variables from its environment, so they are filled in here.
const filled = path.join(folder, 'docker-compose.yml');
writeFileSync(filled, text.replaceAll(REQUIRED, '/somewhere'));
const good = run(command, argsFor(filled));
if (good.status !== 0) fail(`docker-compose.yml is not valid (${name}): ${good.stderr.trim()}`);

const bare = run(command, argsFor(file));
if (bare.status === 0 || !bare.stderr.includes('required variable'))
  fail('docker-compose.yml would start without the settings that it should require');

for (const problem of danglingReferences(parse(text, { merge: true }))) fail(problem);

const required = [...new Set([...text.matchAll(REQUIRED)].map(([, variable]) => variable))];
console.log(`docker-compose.yml is valid (${name}); it requires ${required.join(' and ')}`);

/** Returns names that a service uses and the file does not declare. The reference implementation's command accepts them. */
function danglingReferences({ services, networks, secrets }) {
  const declared = { networks, secrets, depends_on: services };
  return Object.entries(services).flatMap(([service, spec]) =>
    Object.entries(declared).flatMap(([kind, known]) => {
      const used = Array.isArray(spec[kind]) ? spec[kind] : Object.keys(spec[kind] ?? {});
      return used
        .filter((one) => !(one in known))
        .map((one) => `services.${service}.${kind} names ${one}, which is not declared`);
    }),
  );
}

function fail(why) {
  console.error(`check-compose: ${why}`);
  process.exit(1);
}
