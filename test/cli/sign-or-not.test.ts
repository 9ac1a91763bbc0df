import { createContext } from '../../src/cli/context';
import { sendStatement } from '../../src/cli/send-statement';
import { workflowIdOf } from '../../src/contracts/names';
import type { AccessRequest } from '../../src/domain/request';
import { signStatement } from '../../src/signing/sign';
import { Harness } from '../support/harness';
import { WRITE } from '../support/harness-asks';

/** The real signer, with its calls counted. */
jest.mock('../../src/signing/sign', () => {
  const actual = jest.requireActual<typeof import('../../src/signing/sign')>('../../src/signing/sign');
  return { ...actual, signStatement: jest.fn(actual.signStatement) };
});
const sign = jest.mocked(signStatement);

let harness: Harness;
beforeAll(async () => {
  harness = await Harness.start({ remembers: true });
  process.env['TEMPORAL_ADDRESS'] = harness.server.address;
}, 120_000);
afterAll(() => harness?.stop());
beforeEach(() => sign.mockClear());

const MIRA = 'person/mira';

/** Runs a verb at a terminal at which somebody answers, and notes in order what is said, asked and signed. */
async function atTerminal(verb: 'approve' | 'deny', { id }: AccessRequest, answer: string) {
  const noted: string[] = [];
  const ask = async (question: string) => {
    noted.push(`asked: ${question}`, `signed so far: ${sign.mock.calls.length}`);
    return answer;
  };
  const env = {
    TEMPORAL_ADDRESS: harness.server.address,
    COUNTERSIGN_STATE_DIR: harness.stateDir,
    COUNTERSIGN_BUNDLE: harness.bundle.dir,
    COUNTERSIGN_TICKETS: harness.ticketsFile,
  };
  const context = {
    ...(await createContext(env, undefined, ask)),
    announce: (line: string) => void noted.push(line),
  };
  const options = { as: MIRA, ...(verb === 'deny' && { reasonCode: 'not-now' }) };
  const result = await sendStatement(verb, id, options, context).catch((error: unknown) => error);
  return { noted, result, signed: sign.mock.calls.length };
}

/** All that the server has of a request: a statement that was carried to it would be in there. */
const historyLength = async ({ id }: AccessRequest) =>
  (await harness.temporal.workflow.getHandle(workflowIdOf(id)).describe()).historyLength;

describe('WEB-5, TTA-2 whoever answers no at the terminal has signed nothing', () => {
  test.each([
    ['approve', 'n'],
    ['approve', ''],
    ['deny', 'no'],
  ] as const)('%s, answered %j: no signature is made and nothing reaches the server', async (verb, answer) => {
    const request = await harness.cast.ask(WRITE);
    const before = await historyLength(request);
    const { noted, result, signed } = await atTerminal(verb, request, answer);
    expect(result).toMatchObject({
      code: 'NOT_CONFIRMED',
      exitCode: 1,
      message: expect.stringContaining('nothing was signed'),
    });
    expect(signed).toBe(0);
    expect(noted.at(-2)).toBe(`asked: ${verb} this? [y/N] `);
    expect(await historyLength(request)).toBe(before);
    expect((await harness.cast.view(request)).approvals).toEqual([]);
    expect((await harness.cast.view(request)).status).toBe('awaiting_approval');
  });

  test('who answers yes has read the request and what the signature will say before the question, and signs after it', async () => {
    const request = await harness.cast.ask(WRITE);
    const { noted, result, signed } = await atTerminal('approve', request, 'y');
    expect(result).toMatchObject({ exitCode: 0, data: { accepted: true } });
    const question = noted.indexOf('asked: approve this? [y/N] ');
    const before = noted.slice(0, question).join('\n');
    expect(before).toContain(request.reason);
    expect(before).toMatch(/signing as person\/mira: approve, stage owner/);
    expect(noted[question + 1]).toBe('signed so far: 0');
    expect(signed).toBe(1);
    expect((await harness.cast.view(request)).approvals).toMatchObject([{ by: MIRA }]);
  });
});
