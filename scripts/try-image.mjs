// Replays the steps of deploy/Dockerfile in a clean folder that holds exactly what deploy/Dockerfile.dockerignore lets
// through, and starts what comes out. There is no container engine where this runs, so base images, users and volumes are
// not tried. `node scripts/try-image.mjs`.
import { execFileSync, execSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const folder = mkdtempSync(path.join(tmpdir(), 'countersign-image-'));
const [build, image] = ['build', 'image'].map((name) => path.join(folder, name));

/** The instructions of the file with their arguments, continued lines joined. */
const instructions = readFileSync(path.join(root, 'deploy/Dockerfile'), 'utf8')
  .replace(/^#.*$/gm, '')
  .replace(/\\\n/g, ' ')
  .split('\n')
  .flatMap((line) => {
    const [, name, rest] = /^([A-Z]+)\s+(.+)$/.exec(line) ?? [];
    return name === undefined ? [] : [{ name, rest: rest.trim() }];
  });
const [, second] = instructions.flatMap(({ name }, index) => (name === 'FROM' ? [index] : []));
const stages = [instructions.slice(0, second), instructions.slice(second)];

const [everything, ...allowed] = readFileSync(path.join(root, 'deploy/Dockerfile.dockerignore'), 'utf8')
  .split('\n')
  .filter((line) => line !== '');
if (everything !== '**' || !allowed.every((line) => line.startsWith('!')))
  throw new Error('Dockerfile.dockerignore is expected to leave everything out but the names after it');

try {
  mkdirSync(build);
  mkdirSync(image);
  for (const { name, rest } of stages[0]) {
    if (name === 'COPY' && rest === '. .')
      for (const one of allowed)
        cpSync(path.join(root, one.slice(1)), path.join(build, one.slice(1)), { recursive: true });
    else if (name === 'COPY')
      for (const one of rest.split(' ').slice(0, -1)) cpSync(path.join(root, one), path.join(build, one));
    else if (name === 'RUN') {
      console.log(`build: ${rest}`);
      execSync(rest, { cwd: build, stdio: ['ignore', 'ignore', 'inherit'] });
    }
  }
  for (const { name, rest } of stages[1]) {
    const [, from, to] = /^--from=build \/opt\/countersign\/(\S+) (\S+)$/.exec(rest) ?? [];
    if (name === 'COPY' && from !== undefined)
      cpSync(path.join(build, from), path.join(image, to === './' ? path.basename(from) : to), {
        recursive: true,
        verbatimSymlinks: true,
      });
  }
  const stray = ['test', 'bench'].filter((name) => existsSync(path.join(image, 'dist', name)));
  if (stray.length > 0) throw new Error(`the image holds ${stray.join(' and ')}`);
  const development = ['@electric-sql/pglite', '@temporalio/testing', 'typescript', 'jest'];
  const brought = development.filter((name) => existsSync(path.join(image, 'node_modules', name)));
  if (brought.length > 0)
    throw new Error(`the image holds ${brought.join(', ')}, which only development needs`);
  const run = (...args) =>
    execFileSync(process.execPath, ['bin/countersign.js', ...args], { cwd: image, encoding: 'utf8' }).trim();
  console.log(`image: countersign ${run('--version')}, ${readdirSync(image).join(' ')}`);
  console.log(`image: ${run('policy', 'check', 'policies')}`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
