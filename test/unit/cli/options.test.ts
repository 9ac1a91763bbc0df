import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Command, CommanderError } from 'commander';
import { registerCodec } from '../../../src/cli/codec';
import { type Context, createContext } from '../../../src/cli/context';
import { registerFriction } from '../../../src/cli/friction';
import { registerKeys } from '../../../src/cli/keys';
import { type Outcome, UserError } from '../../../src/cli/output';
import { registerPolicy } from '../../../src/cli/policy';
import { registerRequest } from '../../../src/cli/request';
import { registerStatements } from '../../../src/cli/statement';

type Work = (context: Context) => Promise<Outcome>;

/** What a command line comes to, where nothing can be reached. */
async function outcomeOf(...argv: readonly string[]): Promise<Outcome> {
  let work: Work | undefined;
  const program = new Command().exitOverride().configureOutput({ writeErr: () => undefined });
  const run = (given: Work): void => {
    work = given;
  };
  for (const register of [registerCodec, registerFriction, registerKeys]) register(program, run);
  for (const register of [registerPolicy, registerRequest, registerStatements]) register(program, run);
  for (const command of program.commands) command.exitOverride();
  await program.parseAsync([...argv], { from: 'user' });
  if (work === undefined) throw new Error('nothing was to be done');
  return work(createContext({}));
}

/** Why a command line was not understood. */
async function usageErrorOf(...argv: readonly string[]): Promise<string> {
  try {
    await outcomeOf(...argv);
    return 'understood';
  } catch (error) {
    if (error instanceof CommanderError) return error.message;
    if (error instanceof UserError && error.exitCode === 2) return error.message;
    throw error;
  }
}

const by = ['request-0001', '--as', 'person/mira'];

describe('what is typed is checked before anything is connected, and it is said which and why', () => {
  test.each([
    [['request', 'list', '--limit', 'abc'], /--limit: "abc" is not a whole number from 1 to 1000/],
    [['request', 'list', '--limit', '0'], /--limit/],
    [['request', 'list', '--limit', '1e2'], /--limit/],
    [['request', 'list', '--awaiting', 'mira'], /--awaiting: "mira"/],
    [['request', 'show', 'x'], /"x" is not a request id/],
    [['policy', 'preview', 'policies', '--limit', '2000'], /--limit.*1 to 1000/],
    [['policy', 'preview', 'policies', '--no-server', '--archive', 'x', '--limit', '0'], /--limit/],
    [['friction', '--from', '999999999d'], /--from.*hundred years/],
    [['friction', '--top', '-1'], /--top/],
    [['codec', 'serve', '--port', '1e3'], /--port/],
    [['keys', 'new'], /--output/],
    [['approve', ...by, '--revision', 'two'], /--revision: "two"/],
    [['approve', ...by, '--comment', 'fine\nby me'], /comment.*one line/],
    [['approve', 'x', '--as', 'person/mira'], /"x" is not a request id/],
    [['review', ...by, '--verdict', 'fine'], /justified/],
    [['reroute', ...by, '--path', 'other', '--until', '2h'], /required option '--reason-code/],
  ])('%j', async (argv, message) => {
    expect(await usageErrorOf(...argv)).toMatch(message);
  });

  test.each([
    ['approve', '--replace'],
    ['approve', '--verdict'],
    ['deny', '--policy-basis'],
    ['withdraw', '--ticket'],
    ['cancel', '--stage'],
    ['review', '--outcome'],
    ['endorse', '--reason-code'],
  ])('OVR-1 %s does not take %s, which belongs to another verb', async (verb, option) => {
    const needed = { cancel: ['--reason-code', 'x'], review: ['--verdict', 'justified'] }[verb] ?? [];
    expect(await usageErrorOf(verb, ...by, ...needed, option, 'x')).toContain(`unknown option '${option}'`);
  });
});

describe('a key goes where --output says', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'countersign-keys-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test.each(['-o', '--output', '--out'])('by %s', async (option) => {
    const file = path.join(folder, `${option}.jwk`);
    expect(await outcomeOf('keys', 'new', option, file)).toMatchObject({ exitCode: 0, data: { file } });
  });
});

describe('an error has one shape for machines', () => {
  test('what a check finds is its answer; that it found something is the error', async () => {
    const outcome = await outcomeOf('policy', 'check', 'nowhere');
    const error = { code: 'BAD_BUNDLE', message: expect.stringContaining('nowhere:1: cannot be read') };
    expect(outcome).toMatchObject({ exitCode: 1, data: { ok: false, error }, error });
    expect(outcome.lines).toEqual([expect.stringMatching(/^nowhere:1: cannot be read/)]);
  });
});
