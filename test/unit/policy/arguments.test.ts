import * as cedar from '@cedar-policy/cedar-wasm/nodejs';
import fc from 'fast-check';
import { declaredArguments, type RecordType } from '../../../src/policy/arguments/declared';
import { mapArguments } from '../../../src/policy/arguments/map';
import { argumentsReadBy } from '../../../src/policy/arguments/read-by-policy';
import { sampleArguments } from '../../../src/policy/arguments/samples';

const schemaOf = (members: string) =>
  `entity Agent; entity Thing;
   action act appliesTo { principal: [Agent], resource: [Thing], context: { arguments: ${members} } };`;

function declared(members: string): RecordType {
  const parsed = cedar.schemaToJson(schemaOf(members));
  if (parsed.type === 'failure') throw new Error(JSON.stringify(parsed.errors));
  const { byAction, problems } = declaredArguments(parsed.json);
  const type = byAction.get('act');
  if (type === undefined) throw new Error(problems.join('; '));
  return type;
}

/** What one argument of a type becomes, from the JSON that a caller sends. */
function mapped(type: string, json: string): unknown {
  const result = mapArguments(declared(`{ it: ${type} }`), { it: JSON.parse(json) }, 'refuse');
  return result.ok ? result.value['it'] : result.why;
}
const is = (text: string) => expect.stringContaining(`the argument it ${text}`);
const extension = (fn: string, arg: string) => ({ __extn: { fn, arg } });

describe('GAT-2 each argument is mapped by its declared type, exactly or not at all', () => {
  const WHOLE = is('is not a whole number');
  const DECIMAL = is('is not a decimal number');
  const ADDRESS = is('is not an IP address');
  const TIME = is('is not a time with its offset');
  const LENGTH = is('is not a length of time');
  const rows: readonly (readonly [type: string, json: string, outcome: unknown])[] = [
    ['Long', '1000', 1000],
    ['Long', '1e3', 1000],
    ['Long', '1000.0', 1000],
    ['Long', '-0', 0],
    ['Long', '9007199254740991', 9007199254740991],
    ['Long', '9007199254740992', WHOLE],
    ['Long', '9007199254740993', WHOLE],
    ['Long', '1e400', WHOLE],
    ['Long', '0.5', WHOLE],
    ['Long', '"007"', WHOLE],
    ['Long', '"7"', WHOLE],
    ['Long', 'true', WHOLE],
    ['Long', 'null', WHOLE],
    ['Bool', 'true', true],
    ['Bool', '"true"', is('is not true or false')],
    ['Bool', '1', is('is not true or false')],
    ['String', '"007"', '007'],
    ['String', '7', is('is not a text')],
    ['String', '"caf\\u00e9"', 'café'],
    ['String', '"cafe\\u0301"', is('is not in Unicode normalization form C')],
    ['String', '"\\ud800"', is('is not Unicode')],
    ['decimal', '12', extension('decimal', '12.0')],
    ['decimal', '12.5', extension('decimal', '12.5')],
    ['decimal', '"-12.3456"', extension('decimal', '-12.3456')],
    ['decimal', '"922337203685477.5807"', extension('decimal', '922337203685477.5807')],
    ['decimal', '"922337203685477.5808"', is('is not a decimal number that Cedar can hold')],
    ['decimal', '1e3', extension('decimal', '1000.0')],
    ['decimal', '"1e3"', DECIMAL],
    ['decimal', '0.00001', DECIMAL],
    ['decimal', '1e21', DECIMAL],
    ['decimal', '"007.5"', DECIMAL],
    ['decimal', '"+1.5"', DECIMAL],
    ['decimal', '"-0.0"', DECIMAL],
    ['decimal', '"1,5"', DECIMAL],
    ['decimal', '" 1.5"', DECIMAL],
    ['decimal', '"1.5\\n"', DECIMAL],
    ['ipaddr', '"10.0.0.1"', extension('ip', '10.0.0.1')],
    ['ipaddr', '"10.0.0.0/8"', extension('ip', '10.0.0.0/8')],
    ['ipaddr', '"2001:db8::1"', extension('ip', '2001:db8::1')],
    ['ipaddr', '"010.0.0.1"', ADDRESS],
    ['ipaddr', '"10.1"', ADDRESS],
    ['ipaddr', '"167772161"', ADDRESS],
    ['ipaddr', '"::ffff:10.0.0.1"', ADDRESS],
    ['ipaddr', '"::ffff:a00:1"', ADDRESS],
    ['ipaddr', '"0:0:0:0:0:ffff:a00:1"', ADDRESS],
    ['ipaddr', '"fe80::1%eth0"', ADDRESS],
    ['ipaddr', '"10.0.0.0/33"', ADDRESS],
    ['ipaddr', '"10.0.0.0/08"', ADDRESS],
    ['ipaddr', '7', ADDRESS],
    ['datetime', '"2026-03-01T09:30:00Z"', extension('datetime', '2026-03-01T09:30:00.000Z')],
    ['datetime', '"2026-03-01T09:30:00.5+02:00"', extension('datetime', '2026-03-01T07:30:00.500Z')],
    ['datetime', '"2026-03-01T00:30:00+01:00"', extension('datetime', '2026-02-28T23:30:00.000Z')],
    ['datetime', '"2026-03-01"', TIME],
    ['datetime', '"2026-03-01T09:30:00"', TIME],
    ['datetime', '"2026-03-01T09:30:00-00:00"', TIME],
    ['datetime', '"2026-02-30T09:30:00Z"', TIME],
    ['datetime', '"2026-03-01T24:00:00Z"', TIME],
    ['datetime', '"2026-03-01T09:30:60Z"', TIME],
    ['datetime', '"2026-03-01T09:30:00.0001Z"', TIME],
    ['datetime', '"0000-01-01T00:00:00+01:00"', TIME],
    ['datetime', '1772357400', TIME],
    ['duration', '"1h30m"', extension('duration', '5400000ms')],
    ['duration', '"PT1H30M"', extension('duration', '5400000ms')],
    ['duration', '"P1D"', extension('duration', '86400000ms')],
    ['duration', '"-5m"', extension('duration', '-300000ms')],
    ['duration', '"P1M"', LENGTH],
    ['duration', '"P1Y"', LENGTH],
    ['duration', '"PT"', LENGTH],
    ['duration', '"P1DT"', LENGTH],
    ['duration', '"30m1h"', LENGTH],
    ['duration', '""', LENGTH],
    ['duration', '90', LENGTH],
    ['Set<String>', '["b", "a"]', ['b', 'a']],
    ['Set<Long>', '[1, 1]', is('has an element twice')],
    ['Set<Long>', '[1, "1"]', expect.stringContaining('the argument it.1 is not a whole number')],
    ['Set<String>', '"a"', is('is not a list')],
    ['{ x: Long }', '{ "x": 1 }', { x: 1 }],
    ['{ x: Long }', '{}', expect.stringContaining('the argument it.x is missing')],
    ['{ x: Long }', '[1]', is('is not an object')],
    ['{ x?: Long }', '{ "x": null }', expect.stringContaining('the argument it.x is not a whole number')],
  ];
  test.each(rows)('%s from %s', (type, json, outcome) => {
    expect(mapped(type, json)).toEqual(outcome);
  });

  test('no message repeats a value, which may be a secret', () => {
    for (const type of [
      'Bool',
      'Long',
      'decimal',
      'ipaddr',
      'datetime',
      'duration',
      'Set<String>',
      '{ x: Long }',
    ])
      expect(mapped(type, '"hunter2"')).toEqual(expect.not.stringContaining('hunter2'));
  });

  test('undeclared arguments are refused by name, or left to the approvers and hidden from policy', () => {
    const type = declared('{ x: Long, deep: { y: Long } }');
    const given = { x: 1, deep: { y: 2, z: 3 }, w: 4 };
    expect(mapArguments(type, given, 'refuse')).toEqual({
      ok: false,
      why: 'the argument deep.z is not declared for this action',
    });
    expect(mapArguments(type, given, 'show')).toEqual({ ok: true, value: { x: 1, deep: { y: 2 } } });
  });

  test('inherited members are no arguments', () => {
    expect(mapArguments(declared('{ toString: String }'), {}, 'refuse')).toMatchObject({ ok: false });
    const sneaky: Record<string, unknown> = JSON.parse('{"__proto__": {"x": 1}}');
    expect(mapArguments(declared('{ x: Long }'), sneaky, 'show')).toMatchObject({ ok: false });
  });

  const VALUES = fc.oneof(
    fc.jsonValue(),
    fc.double().map((one) => (one > 1e15 ? 1 : Number(one.toFixed(4)))),
    fc.ipV4(),
    fc.ipV6(),
    fc.date({ noInvalidDate: true }).map((one) => one.toISOString()),
    fc.stringMatching(/^-?P?(\d{1,9}[DdHhMmSs]|T){0,4}$/),
    // Of random text only one run in many reads as a duration.
    fc
      .tuple(fc.nat(40), fc.nat(90), fc.nat(90))
      .map(([days, hours, seconds]) => `${days}d${hours}h${seconds}s`),
    fc.stringMatching(/^-?\d{1,16}(\.\d{1,5})?$/),
    fc.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d([+-]\d\d:\d\d|Z)$/),
  );
  test.each([
    'Bool',
    'Long',
    'String',
    'decimal',
    'ipaddr',
    'datetime',
    'duration',
    'Set<decimal>',
  ])('whatever is mapped to %s, Cedar reads as that type', (type) => {
    const schema = schemaOf(`{ it: ${type} }`);
    const record = declared(`{ it: ${type} }`);
    let accepted = 0;
    fc.assert(
      fc.property(type.startsWith('Set') ? fc.array(VALUES, { maxLength: 2 }) : VALUES, (it) => {
        const result = mapArguments(record, { it }, 'refuse');
        if (!result.ok) return;
        accepted += 1;
        const context = { arguments: { ...result.value } };
        expect(cedar.checkParseContext({ context, schema, action: { type: 'Action', id: 'act' } })).toEqual({
          type: 'success',
        });
      }),
      { numRuns: 400 },
    );
    expect(accepted).toBeGreaterThan(0);
  });
});

describe('GAT-2 declarations are read from the Cedar schema', () => {
  test('common types are followed, and optional members stay optional', () => {
    const parsed = cedar.schemaToJson(`entity Agent; entity Thing;
      type Place = { host: ipaddr, port?: Long };
      type Said = { arguments: { places: Set<Place>, sure: __cedar::Bool } };
      action act appliesTo { principal: [Agent], resource: [Thing], context: Said };
      action look appliesTo { principal: [Agent], resource: [Thing], context: { ticket: Bool } };
      action none appliesTo { principal: [Agent], resource: [Thing] };`);
    if (parsed.type === 'failure') throw new Error(JSON.stringify(parsed.errors));
    const { byAction, problems } = declaredArguments(parsed.json);
    expect(problems).toEqual([]);
    expect([...byAction.keys()]).toEqual(['act']);
    const type = byAction.get('act');
    if (type === undefined) throw new Error('nothing was read');
    const given = { places: [{ host: '10.0.0.1' }, { host: '10.0.0.2', port: 5432 }], sure: true };
    expect(mapArguments(type, given, 'refuse')).toMatchObject({ ok: true });
    expect(mapArguments(type, { ...given, places: [{ port: 1 }] }, 'refuse')).toMatchObject({
      why: 'the argument places.0.host is missing',
    });
  });

  test.each([
    ['Agent', 'arguments as Agent, which no JSON can be'],
    ['Long', 'that are no record'],
    ['{ x: Agent }', 'arguments.x as Agent'],
    ['{ x: Set<Thing> }', 'arguments.x[] as Thing'],
    ['{ __extn: Long }', 'arguments.__extn, a name that Cedar keeps'],
  ])('%s cannot be declared', (members, message) => {
    const parsed = cedar.schemaToJson(schemaOf(members));
    if (parsed.type === 'failure') throw new Error(JSON.stringify(parsed.errors));
    expect(declaredArguments(parsed.json).problems).toEqual([expect.stringContaining(message)]);
  });
});

describe('GAT-2 what policies look at, and arguments for which they may answer differently', () => {
  const read = (condition: string) => {
    const parsed = cedar.policyToJson(`permit(principal, action, resource) when { ${condition} };`);
    if (parsed.type === 'failure') throw new Error(JSON.stringify(parsed.errors));
    return argumentsReadBy(parsed.json);
  };

  test('paths and literals, each with its own comparison', () => {
    expect(read('context.arguments.amount > 5 && context.arguments.to.name == "x"')).toEqual([
      { path: ['amount'], literals: [5] },
      { path: ['to', 'name'], literals: ['x'] },
    ]);
    expect(read('if context.arguments has a.b then context.arguments.n < -3 else false')).toEqual(
      expect.arrayContaining([
        { path: ['a', 'b'], literals: [] },
        { path: ['n'], literals: [-3] },
      ]),
    );
    expect(read('context.arguments.at.toDate() < datetime("2026-01-01")')).toEqual([
      { path: ['at'], literals: ['2026-01-01'] },
    ]);
    expect(read('context.arguments.path like "drafts/*.md"')).toEqual([
      { path: ['path'], literals: ['drafts/.md'] },
    ]);
    expect(read('context.hasTicket && resource.arguments.x == 1')).toEqual([]);
  });

  test('samples are valid, lie on and beside every bound, and are combined', () => {
    const type = declared('{ amount: decimal, n: Long, to?: { host: ipaddr }, tables: Set<String> }');
    const uses = read(`context.arguments.amount.greaterThan(decimal("100.0")) && context.arguments.n < 7
      && context.arguments.to.host.isInRange(ip("10.0.0.0/8")) && ["a", "b"].containsAll(context.arguments.tables)`);
    const samples = sampleArguments(type, uses);
    expect(samples.length).toBeLessThanOrEqual(129);
    for (const sample of samples) expect(mapArguments(type, sample, 'refuse')).toMatchObject({ ok: true });
    const seen = (name: string) => new Set(samples.map((sample) => JSON.stringify(sample[name])));
    expect(seen('amount')).toEqual(new Set(['"1.0"', '"100.0000"', '"100.0001"', '"99.9999"']));
    expect(seen('n')).toEqual(new Set(['1', '6', '7', '8']));
    expect(seen('to')).toEqual(new Set([undefined, '{"host":"10.0.0.0"}']));
    expect(seen('tables')).toContain('["a","b"]');
    expect(samples.some(({ amount, n }) => amount === '100.0001' && n === 6)).toBe(true);
  });
});
