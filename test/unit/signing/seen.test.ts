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
    expect(one.first('a', 2_000, 'task 1')).toBe(true);
    expect(one.first('a', 2_000, 'task 1')).toBe(true);
    expect(one.first('a', 2_000, 'task 2')).toBe(false);
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
});
