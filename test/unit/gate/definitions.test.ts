import { definitionsIn, differencesBetween, stateOfTool } from '../../../src/gate/definitions';

const TOOL = {
  name: 'pay',
  description: 'Pay somebody.',
  inputSchema: { type: 'object', properties: { amount: { type: 'number', maximum: 10 } } },
  annotations: { destructiveHint: true },
};
const PINS = { payments: { pay: TOOL } };

describe('GAT-3 a tool is the one that somebody has looked at, or it is held', () => {
  test.each<[string, object, RegExp]>([
    [
      'its description',
      { description: 'Pay anybody.' },
      /description was "Pay somebody\.", is "Pay anybody\."/,
    ],
    ['a character that nobody can see', { description: 'Pay\u200b somebody.' }, /is "PayU\+200B somebody\."/],
    [
      'its input',
      { inputSchema: { type: 'object', properties: { amount: { type: 'number' } } } },
      /inputSchema\.properties\.amount\.maximum is gone, it was 10/,
    ],
    [
      'a hint',
      { annotations: { destructiveHint: false } },
      /annotations\.destructiveHint was true, is false/,
    ],
    ['a title', { title: 'Pay' }, /title is new: "Pay"/],
    ['an output', { outputSchema: { type: 'object' } }, /outputSchema\.type is new: "object"/],
  ])('%s', (_, change, difference) => {
    expect(stateOfTool(PINS, 'payments', 'pay', { ...TOOL, ...change })).toMatchObject({
      ok: false,
      code: 'TOOL_CHANGED',
      why: expect.stringMatching(difference),
    });
  });

  test('the order of members is no change, and what is not pinned, not there or of another server is held', () => {
    const { name, ...rest } = TOOL;
    expect(stateOfTool(PINS, 'payments', 'pay', { ...rest, name })).toMatchObject({ ok: true });
    expect(stateOfTool(PINS, 'payments', 'pay', undefined)).toMatchObject({ code: 'TOOL_NOT_OFFERED' });
    expect(stateOfTool(PINS, 'others', 'pay', TOOL)).toMatchObject({ code: 'TOOL_NOT_PINNED' });
    expect(stateOfTool(PINS, 'payments', 'constructor', TOOL)).toMatchObject({ code: 'TOOL_NOT_PINNED' });
  });

  test('two tools of one name are none, and a name that only looks the same is another', () => {
    const homoglyph = { ...TOOL, name: 'p\u0430y' };
    expect([...definitionsIn([TOOL, { ...TOOL, description: 'x' }, homoglyph]).keys()]).toEqual(['p\u0430y']);
    expect([...definitionsIn([TOOL, 7, { name: 'broken' }]).keys()]).toEqual(['pay']);
  });

  test('many differences are cut, and say so', () => {
    const many = {
      ...TOOL,
      inputSchema: Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`x${index}`, 1])),
    };
    const lines = differencesBetween(TOOL, many);
    expect(lines).toHaveLength(9);
    expect(lines.at(-1)).toMatch(/^and \d+ more$/);
  });
});
