import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { NODE_RELEASES, nodeRelease } from '../../support/node-release';
import { runProgram } from '../support/npm-tools';

/*
 * The supported releases of Node, as npm has them. The whole unit suite would take too long three times: here are the parts that crashed
 * V8 or rest on the engine most (policy with its exploration, the core, signatures), and the demo, which uses everything else.
 */

jest.setTimeout(300_000);

const ROOT = path.resolve(__dirname, '../../..');
const PARTS = 'unit/(policy/(assess|explore|cedar-engine|relations)|domain/(decide|digest)|signing)';
const MAJORS = [22, 24, 26] as const;

const environment = (program: string) => ({
  // What a program starts by the name `node` is of this release too.
  PATH: `${path.dirname(program)}${path.delimiter}${process.env['PATH'] ?? ''}`,
  NO_COLOR: '1',
});

describe.each(MAJORS)('SHP-2 Node %i', (major) => {
  it('is the release that is meant, and takes the guard against inlined calls without a word', async () => {
    const program = nodeRelease(major);
    const script = [
      "require('./dist/src/policy/evaluate/steady-wasm.js');",
      'process.stdout.write(process.versions.node);',
    ].join('');
    expect(await runProgram(program, ['-e', script], { cwd: ROOT })).toEqual({
      code: 0,
      stdout: NODE_RELEASES[major],
      stderr: '',
    });
  });

  it('passes the tests of core, policy and signatures', async () => {
    const program = nodeRelease(major);
    const jest = path.join(ROOT, 'node_modules/jest/bin/jest.js');
    const args = [jest, '--ci', '--selectProjects', 'unit', '--maxWorkers=2', '--testPathPatterns', PARTS];
    const { code, stderr } = await runProgram(program, args, { cwd: ROOT, env: environment(program) });
    expect({ code, stderr: code === 0 ? '' : stderr.slice(-6_000) }).toEqual({ code: 0, stderr: '' });
    expect(stderr).toMatch(/Tests:\s+(\d+) passed, \1 total/);
  });

  it('plays the demo to its end', async () => {
    const program = nodeRelease(major);
    const { code, stdout, stderr } = await runProgram(
      program,
      [path.join(ROOT, 'bin/countersign.js'), 'demo'],
      {
        cwd: mkdtempSync(path.join(tmpdir(), 'countersign-demo-')),
        env: environment(program),
      },
    );
    expect({ code, said: code === 0 ? '' : `${stdout}${stderr}`.slice(-6_000) }).toEqual({
      code: 0,
      said: '',
    });
  });
});
