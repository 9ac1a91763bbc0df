import { Readable } from 'node:stream';
import { linesOf } from '../../../src/gate/lines';
import { lineOf, readClientMessage, readServerMessage } from '../../../src/gate/message';
import { fillTemplate } from '../../../src/gate/template';

const read = (text: string | Buffer) => readClientMessage(Buffer.from(text));
const CALL = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"pay"}}';

describe('GAT-1 a message means the same to the gate and to the server behind it', () => {
  test.each<[string, string | Buffer]>([
    ['a method that stands twice', '{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/call"}'],
    ['an argument that stands twice', CALL.replace('"name":"pay"', '"arguments":{"amount":1,"amount":9}')],
    [
      'the same name, once escaped',
      CALL.replace('"name":"pay"', '"arguments":{"amount":1,"\\u0061mount":9}'),
    ],
    ['__proto__', CALL.replace('"name":"pay"', '"arguments":{"__proto__":{"amount":9}}')],
    [
      'a number that a double cannot hold',
      CALL.replace('"name":"pay"', '"arguments":{"amount":9007199254740993}'),
    ],
    ['a number beyond all', CALL.replace('"name":"pay"', '"arguments":{"amount":1e400}')],
    ['half of a character', CALL.replace('pay', '\\ud800')],
    ['a batch', `[${CALL}]`],
    ['what is no JSON', CALL.replace('1', 'NaN')],
    ['a byte order mark', `\ufeff${CALL}`],
    [
      'bytes that are not UTF-8',
      Buffer.concat([
        Buffer.from('{"jsonrpc":"2.0","method":"'),
        Buffer.from([0xc0, 0xaf]),
        Buffer.from('"}'),
      ]),
    ],
    ['UTF-16', Buffer.from(CALL, 'utf16le')],
    ['another protocol', CALL.replace('2.0', '1.0')],
    ['a null id', CALL.replace('"id":1', '"id":null')],
    ['deep nesting', CALL.replace('"pay"', `${'['.repeat(100)}${']'.repeat(100)}`)],
  ])('%s is not passed on', (_, text) => {
    expect(read(text)).toMatchObject({ ok: false });
  });

  test('a method in escapes is the method', () => {
    expect(read(CALL.replace('tools/call', 'tools\\u002fcall'))).toMatchObject({
      message: { method: 'tools/call' },
    });
  });

  test('no reader finds a second line in what is passed on', () => {
    // A carriage return between members is white space to JSON, and the end of a line to a reader in Python.
    const hidden = `{"jsonrpc":"2.0","id":1,"method":"ping","params":{"x":\r${CALL}\r}}`;
    const message = read(hidden);
    if (!message.ok) throw new Error(message.why);
    const line = lineOf(message.message);
    expect(line.trimEnd()).not.toMatch(/[\r\n\u0085\u2028\u2029]/);
    const texts = lineOf({ jsonrpc: '2.0', method: 'ping', params: { x: 'a\rb\u0085c\u2028d\u2029e\nf' } });
    expect(texts.trimEnd()).not.toMatch(/[\r\n\u0085\u2028\u2029]/);
    expect(JSON.parse(texts).params.x).toBe('a\rb\u0085c\u2028d\u2029e\nf');
  });

  test('what a server says is read, and its log lines are not', () => {
    expect(
      readServerMessage(Buffer.from('{"jsonrpc":"2.0","id":1,"result":{"n":9007199254740993}}')),
    ).toMatchObject({ id: 1 });
    expect(readServerMessage(Buffer.from('Server running on stdio'))).toBeUndefined();
  });

  test('lines are split at line feeds alone, wherever chunks end, and have a limit', async () => {
    const lines: string[] = [];
    for await (const line of linesOf(
      Readable.from([Buffer.from('a\rb'), Buffer.from('c\n\nd\u2028'), Buffer.from('e\nf')]),
    ))
      lines.push(line.toString());
    expect(lines).toEqual(['a\rbc', '', 'd\u2028e', 'f']);
    const endless = async () => {
      for await (const _ of linesOf(Readable.from([Buffer.alloc(9 * 1024 * 1024, 'a')])));
    };
    await expect(endless()).rejects.toThrow(/longer than/);
  });
});

describe('GAT-1 what approvers read of a call is made from its arguments', () => {
  test('names stand for arguments, inside others too, and never for what is inherited', () => {
    const given = { to: { name: 'ACME' }, amount: 5, list: ['a'] };
    expect(fillTemplate('pay {amount} to {to.name} {list}', given)).toEqual({
      ok: true,
      text: 'pay 5 to ACME ["a"]',
    });
    expect(fillTemplate('{constructor}', given)).toEqual({ ok: false, missing: 'constructor' });
    expect(fillTemplate('{to.length}', { to: 'x' })).toEqual({ ok: false, missing: 'to.length' });
    expect(fillTemplate('{a}', { a: '{b}', b: 'no' })).toEqual({ ok: true, text: '{b}' });
  });
});
