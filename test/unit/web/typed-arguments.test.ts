import type { ArgumentType, RecordType } from '../../../src/policy/arguments/declared';
import { mapArguments } from '../../../src/policy/arguments/map';
import { argumentFields, argumentsFrom, FURTHER } from '../../../src/web/typed-arguments';

const record = (
  members: Readonly<Record<string, readonly [type: ArgumentType, isRequired: boolean]>>,
): RecordType => ({
  kind: 'Record',
  members: new Map(Object.entries(members).map(([name, [type, isRequired]]) => [name, { type, isRequired }])),
});

const DECLARED = record({
  amount: [{ kind: 'Long' }, true],
  dryRun: [{ kind: 'Bool' }, true],
  note: [{ kind: 'String' }, false],
  price: [{ kind: 'decimal' }, false],
  from: [{ kind: 'ipaddr' }, false],
  at: [{ kind: 'datetime' }, false],
  within: [{ kind: 'duration' }, false],
  tables: [{ kind: 'Set', element: { kind: 'String' } }, true],
  rules: [{ kind: 'Set', element: record({ port: [{ kind: 'Long' }, true] }) }, false],
  'dotted.name': [{ kind: 'String' }, false],
  limits: [record({ rows: [{ kind: 'Long' }, true], name: [{ kind: 'String' }, false] }), false],
});

/** A form with these texts, by the labels that people read. */
function filled(texts: Readonly<Record<string, string>>, more: Readonly<Record<string, string>> = {}) {
  const fields = argumentFields(DECLARED);
  const named = Object.entries(texts).map(([label, text]) => {
    const field = fields.find((one) => one.label === label);
    if (field === undefined) throw new Error(`there is no field ${label}`);
    return [field.name, text];
  });
  return argumentsFrom(DECLARED, { ...Object.fromEntries(named), ...more });
}

const LEAST = { amount: '12', dryRun: 'false', tables: 'payments\r\nrefunds' };

describe('GAT-2, WEB-5 arguments are typed as the bundle declares them', () => {
  test('a field for each, and for each inside of another', () => {
    expect(argumentFields(DECLARED).map(({ label, isRequired }) => [label, isRequired])).toEqual([
      ['amount', true],
      ['dryRun', true],
      ['note', false],
      ['price', false],
      ['from', false],
      ['at', false],
      ['within', false],
      ['tables', true],
      ['rules', false],
      ['dotted.name', false],
      ['limits › rows', false],
      ['limits › name', false],
    ]);
  });

  test('what is filled in fits its declaration, and what is empty is left out', () => {
    const given = filled(LEAST);
    expect(given).toEqual({
      ok: true,
      value: { amount: 12, dryRun: false, tables: ['payments', 'refunds'] },
    });
    if (given.ok) expect(mapArguments(DECLARED, given.value, 'refuse').ok).toBe(true);
    const all = filled({
      ...LEAST,
      note: ' as it is ',
      price: '12000.50',
      from: '10.0.0.0/8',
      at: '2026-11-29T12:00:00Z',
      within: '1h30m',
      rules: '[{"port":443}]',
      'dotted.name': 'x',
      'limits › rows': '5',
    });
    expect(all).toMatchObject({
      value: {
        note: ' as it is ',
        price: '12000.50',
        rules: [{ port: 443 }],
        'dotted.name': 'x',
        limits: { rows: 5 },
      },
    });
    if (all.ok) expect(mapArguments(DECLARED, all.value, 'refuse')).toMatchObject({ ok: true });
  });

  test.each([
    ['1e3', 'amount'],
    ['012', 'amount'],
    ['9007199254740993', 'amount'],
    ['maybe', 'dryRun'],
  ])('%s is left as it was typed, so that policy says what is wrong with it', (text, label) => {
    const given = filled({ ...LEAST, [label]: text });
    expect(given).toMatchObject({ ok: true, value: { [label]: text } });
    if (given.ok)
      expect(mapArguments(DECLARED, given.value, 'refuse')).toMatchObject({
        why: expect.stringContaining(`the argument ${label} is not`),
      });
  });

  test('what is not declared is JSON, and no member of it is there twice or has two meanings', () => {
    expect(filled(LEAST, { [FURTHER]: '{"ticket":"x"}' })).toMatchObject({
      value: { ticket: 'x', amount: 12 },
    });
    for (const [text, why] of [
      ['{"amount":1}', 'the argument amount is there twice'],
      ['{"a":1,"a":2}', 'cannot be read'],
      ['[1]', 'are a JSON object'],
      ['{', 'cannot be read'],
    ] as const)
      expect(filled(LEAST, { [FURTHER]: text })).toMatchObject({
        ok: false,
        why: expect.stringContaining(why),
      });
    expect(filled({ ...LEAST, rules: '{' })).toMatchObject({ ok: false });
  });
});
