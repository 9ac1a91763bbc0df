import { SeenOnce } from '../../../src/signing/seen';

describe('SeenOnce', () => {
  let nowMs = 0;
  beforeEach(() => {
    nowMs = 1_000;
  });
  const seen = (most = 3) => new SeenOnce(most, () => nowMs);

  it('says yes the first time, and again only when the time of the first is over', () => {
    const one = seen();
    expect(one.first('a', 2_000)).toBe(true);
    expect(one.first('a', 9_000)).toBe(false);
    expect(one.first('b', 2_000)).toBe(true);
    nowMs = 2_000;
    expect(one.first('a', 3_000)).toBe(true);
  });

  it('says yes again to whoever was first, and to nobody else', () => {
    const one = seen();
    expect(one.first('a', 2_000, { by: 'task 1' })).toBe(true);
    expect(one.first('a', 2_000, { by: 'task 1' })).toBe(true);
    expect(one.first('a', 2_000, { by: 'task 2' })).toBe(false);
    expect(one.first('a', 2_000)).toBe(false);
    expect(one.first('b', 2_000)).toBe(true);
    expect(one.first('b', 2_000)).toBe(false);
  });

  it('says no where it cannot remember, and makes room as times end', () => {
    const one = seen();
    for (const name of ['a', 'b', 'c']) expect(one.first(name, 2_000)).toBe(true);
    expect(one.first('d', 2_000)).toBe(false);
    nowMs = 2_001;
    expect(one.first('d', 3_000)).toBe(true);
  });

  it('TTA-5 lets nobody take the room of others, and gives it back as times end', () => {
    const one = new SeenOnce(10, () => nowMs, 2);
    const of = (owner: string, name: string) => one.see(name, 2_000, { owner });
    expect([of('x', 'a'), of('x', 'b'), of('x', 'c'), of('x', 'a')]).toEqual([
      'first',
      'first',
      'full',
      'seen',
    ]);
    expect([one.roomFor('x'), one.roomFor('y')]).toEqual([0, 2]);
    expect(of('y', 'c')).toBe('first');
    nowMs = 2_001;
    expect([one.roomFor('x'), of('x', 'd')]).toEqual([2, 'first']);
  });

  it('looks at each once when its time is over, not at all of them each time', () => {
    const one = new SeenOnce(1_000, () => nowMs);
    for (let index = 0; index < 1_000; index += 1) one.first(`old ${index}`, 1_000_000 + index);
    const scans = jest.spyOn(Map.prototype, Symbol.iterator);
    for (let index = 0; index < 100; index += 1) expect(one.see(`new ${index}`, 2_000)).toBe('full');
    const times = scans.mock.calls.length;
    scans.mockRestore();
    expect(times).toBeLessThan(10);
    nowMs = 1_001_000;
    expect(one.see('new', 1_002_000)).toBe('first');
    expect(one.roomFor('anyone')).toBe(999);
  });
});
