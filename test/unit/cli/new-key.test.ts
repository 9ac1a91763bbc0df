import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createContext } from '../../../src/cli/context';
import type { CommandResult } from '../../../src/cli/output';
import { createProgram, defineCommand } from '../../../src/cli/program';
import { PLAIN } from '../../../src/cli/terminal';
import { bundleOf, FileTicketSource, readBundleFiles } from '../../../src/policy';
import { EXAMPLE_BUNDLE_DIR } from '../../../src/project';
import { readKeyFile } from '../../../src/signing/keys';
import { signSubmission } from '../../../src/signing/sign';
import { SignedDirectory } from '../../../src/signing/signed-directory';
import { sampleRequest } from '../../support/keyring';

const ATLAS = '  agent/atlas:\n    title: Analytics assistant\n';

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(path.join(tmpdir(), 'countersign-new-key-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

async function newKey(file: string): Promise<CommandResult> {
  let result: CommandResult | undefined;
  const program = createProgram(PLAIN);
  await defineCommand(program, 'keys', async (work) => {
    result = await work(await createContext({ XDG_CONFIG_HOME: dir, TEMPORAL_ADDRESS: '127.0.0.1:1' }));
  });
  await program.parseAsync(['keys', 'new', '-o', file], { from: 'user' });
  if (result === undefined) throw new Error('nothing was done');
  return result;
}

describe('DIR-1 a new key comes with the lines that register it', () => {
  test('pasted into directory.yaml as they are printed, they make a bundle that knows the key', async () => {
    const file = path.join(dir, 'atlas.jwk');
    const { lines } = await newKey(file);
    const from = lines.indexOf('    keys:');
    const pasted = lines.slice(from, from + 2).join('\n');
    const files = await readBundleFiles(EXAMPLE_BUNDLE_DIR);
    if (!files.ok) throw new Error('the example bundle cannot be read');
    const directory = files.value.get('directory.yaml') ?? '';
    expect(directory).toContain(ATLAS);
    const changed = directory.replace(ATLAS, `${ATLAS}${pasted}\n`);
    const loaded = bundleOf(
      new Map(files.value).set('directory.yaml', changed),
      new FileTicketSource(undefined),
    );
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
    const request = sampleRequest({ requester: 'agent/atlas', beneficiary: 'agent/atlas' });
    const submission = await signSubmission(request, await readKeyFile(file));
    const signed = new SignedDirectory(loaded.bundle.context.directory);
    expect(await signed.authenticateSubmission(submission, request.submittedAtMs)).toMatchObject({
      ok: true,
      value: { principal: 'agent/atlas', assurance: 'key', channel: 'cli' },
    });
  });

  test('FRI-3 the private part is printed nowhere', async () => {
    const file = path.join(dir, 'private.jwk');
    const { lines, data } = await newKey(file);
    expect(JSON.stringify([lines, data])).not.toMatch(/"d\\?":/);
  });
});
