import { endsUnit, fatalError, isTerminate, MessageReader } from '../../../src/stack/pg-wire';

const message = (type: string, body = ''): Buffer => {
  const head = Buffer.alloc(5);
  head.write(type, 0);
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, Buffer.from(body)]);
};

const opening = (code: number, body = ''): Buffer => {
  const head = Buffer.alloc(8);
  head.writeInt32BE(body.length + 8, 0);
  head.writeInt32BE(code, 4);
  return Buffer.concat([head, Buffer.from(body)]);
};

const readerOf = (...chunks: readonly Buffer[]): MessageReader => {
  const reader = new MessageReader();
  for (const chunk of chunks) reader.push(chunk);
  return reader;
};

describe('reading the PostgreSQL protocol', () => {
  it('finds the user in the startup message, wherever it stands', () => {
    const startup = opening(196_608, 'database\0user\0user\0agent\0\0');
    expect(readerOf(startup).opening()).toMatchObject({ kind: 'startup', user: 'agent' });
    expect(readerOf(opening(196_608, 'database\0x\0\0')).opening()).toMatchObject({
      kind: 'startup',
      user: '',
    });
  });

  it.each([
    [80_877_103, 'encryption'],
    [80_877_104, 'encryption'],
    [80_877_102, 'other'],
    [131_072, 'other'],
  ])('knows opening message %d', (code, kind) => {
    expect(readerOf(opening(code)).opening()).toEqual({ kind });
  });

  it('puts messages together from pieces of any size', () => {
    const whole = Buffer.concat([message('P', 'statement'), message('B'), message('S')]);
    const reader = new MessageReader();
    const types: string[] = [];
    for (const byte of whole) {
      reader.push(Buffer.from([byte]));
      const next = reader.message();
      if (next) types.push(String.fromCharCode(next[0] ?? 0));
    }
    expect(types).toEqual(['P', 'B', 'S']);
  });

  it.each([
    ['too short a length', Buffer.from([0x51, 0, 0, 0, 3])],
    ['too long a message', Buffer.from([0x51, 0x7f, 0xff, 0xff, 0xff])],
    ['a negative length', Buffer.from([0x51, 0xff, 0xff, 0xff, 0xff])],
  ])('refuses %s', (_, bytes) => {
    expect(() => readerOf(bytes).message()).toThrow('not a message');
  });

  it('refuses a long opening before it has all of it', () => {
    expect(() => readerOf(Buffer.from([0, 1, 0, 0])).opening()).toThrow('not a message');
  });

  it('ends a unit with a query or a sync, not between a statement and its parameters', () => {
    expect(['Q', 'S', 'F'].every((type) => endsUnit(message(type)))).toBe(true);
    expect(['P', 'B', 'D', 'E', 'C', 'H', 'd'].some((type) => endsUnit(message(type)))).toBe(false);
    expect(isTerminate(message('X'))).toBe(true);
  });

  it('writes an error that the reader can take apart again', () => {
    const error = readerOf(fatalError('28000', 'no such login')).message();
    expect(error?.toString('utf8')).toContain('C28000\0Mno such login\0\0');
  });
});
