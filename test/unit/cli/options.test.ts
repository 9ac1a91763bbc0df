import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { CommanderError } from 'commander';
import { type Context, createContext } from '../../../src/cli/context';
import { type CommandResult, UserError } from '../../../src/cli/output';
import { createProgram, defineCommand } from '../../../src/cli/program';
import { PLAIN } from '../../../src/cli/terminal';

type Work = (context: Context) => Promise<CommandResult>;

/** The result of a command line where nothing can be reached. */
async function resultOf(...argv: readonly string[]): Promise<CommandResult> {
  let work: Work | undefined;
  const program = createProgram(PLAIN);
  await defineCommand(program, argv[0] ?? '', async (asked) => {
    work = asked;
  });
  await program.parseAsync([...argv], { from: 'user' });
  if (work === undefined) throw new Error('nothing was to be done');
  return work(await createContext({ XDG_CONFIG_HOME: '/nowhere', TEMPORAL_ADDRESS: '127.0.0.1:1' }));
}

/** Why a command line was not understood. */
async function usageErrorOf(...argv: readonly string[]): Promise<string> {
  try {
    await resultOf(...argv);
    return 'understood';
  } catch (error) {
    if (error instanceof CommanderError) return error.message;
    if (error instanceof UserError && error.exitCode === 2) return error.message;
    throw error;
  }
}

const by = ['request-0001', '--as', 'person/mira'];

const REROUTE = [
  ...['reroute', ...by, '--reason-code', 'approver-absent', '--ticket', 'OPS-1'],
  ...['--policy-basis', 'production-write', '--path', 'other'],
];

describe('what is typed is checked before anything is connected, and it is said which and why', () => {
  test.each([
    [['request', 'list', '--limit', 'abc'], /--limit: "abc" is not a whole number from 1 to 1000/],
    [['request', 'list', '--limit', '0'], /--limit/],
    [['request', 'list', '--limit', '1e2'], /--limit/],
    [['request', 'list', '--awaiting', 'mira'], /--awaiting: "mira"/],
    [['request', 'show', 'x'], /"x" is not a request id/],
    [['policy', 'preview', 'policies', '--limit', '2000'], /--limit.*1 to 1000/],
    [['policy', 'preview', 'policies', '--no-server', '--archive', 'x', '--limit', '0'], /--limit/],
    [['friction', '--from', '999999d'], /--from.*hundred years/],
    [['friction', '--top', '-1'], /--top/],
    [['codec', 'serve', '--port', '1e3'], /--port/],
    [['keys', 'new'], /--output/],
    [['approve', ...by, '--revision', 'two'], /--revision: "two"/],
    [['approve', ...by, '--comment', 'fine\nby me'], /comment.*one line/],
    [['approve', 'x', '--as', 'person/mira'], /"x" is not a request id/],
    [['review', ...by, '--verdict', 'fine'], /justified/],
    [['approve', ...by, '--for', 'soon'], /--for: "soon" is not a duration/],
    [['approve', ...by, '--for', '31d'], /durationMs/],
    [['approve', ...by, '--life', '8d'], /--life: at most 7d/],
    [['deny', ...by, '--reason-code', 'x', '--life', '25h'], /--life: at most 24h/],
    [['deny', ...by, '--reason-code', 'x', '--for', '2h'], /unknown option '--for'/],
    [[...REROUTE, '--until', '2026-11-28T02:00'], /--until: .*has no zone/],
    [
      [...REROUTE, '--until', '2026-03-29T02:30[Europe/Berlin]'],
      /--until: .*does not exist in Europe\/Berlin/,
    ],
    [['friction', '--from', '2026-10-25T02:30[Europe/Berlin]'], /--from: .*comes twice/],
    [['audit', 'report', '--to', '2026-11-28 02:00'], /--to: .*has no zone/],
    [['reroute', ...by, '--path', 'other', '--until', '2h'], /required option '--reason-code/],
    // WEB-7: whoever asked reads why.
    [['deny', ...by], /a denial needs --reason-code or --comment/],
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
    expect(await resultOf('keys', 'new', option, file)).toMatchObject({ exitCode: 0, data: { file } });
  });
});

describe('an error has one shape for machines', () => {
  test('what a check finds is its answer; that it found something is the error', async () => {
    const result = await resultOf('policy', 'check', 'nowhere');
    const error = { code: 'BAD_BUNDLE', message: expect.stringContaining('nowhere:1: cannot be read') };
    expect(result).toMatchObject({ exitCode: 1, data: { ok: false, error }, error });
    expect(result.lines).toEqual([expect.stringMatching(/^nowhere:1: cannot be read/)]);
  });
});
