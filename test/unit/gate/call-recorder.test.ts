import type { CallRecord } from '../../../src/gate/call-log';
import { CallRecorder } from '../../../src/gate/call-recorder';

let records: CallRecord[];
let recorder: CallRecorder;
beforeEach(() => {
  records = [];
  recorder = new CallRecorder({
    append: async (record) => void records.push(record),
    note: (record) => void records.push(record),
  });
});

const call = (password: string) => ({ name: 'log_in', arguments: { user: 'atlas', password } });

describe('GAT-1 FRI-3 the record of a call with secrets', () => {
  test('has neither them nor a digest by which they could be guessed', async () => {
    await recorder.decided(call('0000-tulip'), 'refused', { why: 'no user with 0000-tulip', code: 'X' }, [
      'password',
    ]);
    await recorder.decided(call('1111-tulip'), 'refused', {}, ['password']);
    expect(JSON.stringify(records)).not.toContain('tulip');
    expect(records[0]).toMatchObject({ why: 'no user with ***', code: 'X' });
    expect(records[1]?.['arguments']).toBe(records[0]?.['arguments']);
    await recorder.decided(call('2222-tulip'), 'refused', {});
    expect(records[2]?.['arguments']).not.toBe(records[0]?.['arguments']);
  });

  test('a name that is no argument, and a value that is no text, do no harm', async () => {
    const given = { name: 'x', arguments: { pin: 123_456, none: null } };
    await recorder.decided(given, 'refused', { why: 'it was 123456' }, [
      'pin',
      'none',
      'constructor',
      'gone',
    ]);
    expect(records[0]).toMatchObject({ why: 'it was ***' });
  });
});
