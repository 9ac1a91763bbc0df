import type { VerifiedList } from '../../../src/verified/verified-requests';
import { RecentLists } from '../../../src/web/recent-lists';

let nowMs = 0;
let made = 0;
const listOf = (newest: string, isWhole = true): VerifiedList => ({
  ...{ rows: [], proved: new Map(), withheld: [], isWhole, hasMore: false, newest: [newest] },
});
const make = async () => listOf(`list ${++made}`);
const shown = async (lists: RecentLists, how = make, name = 'waiting') =>
  (await lists.of(name, how)).newest[0];

beforeEach(() => {
  [nowMs, made] = [0, 0];
});

describe('WEB-5 lists of the last seconds', () => {
  test('one of two seconds ago is shown as it is, one of five while the next is made, an older one never', async () => {
    const lists = new RecentLists(() => nowMs);
    expect(await shown(lists)).toBe('list 1');
    nowMs = 1_999;
    expect([await shown(lists), made]).toEqual(['list 1', 1]);
    nowMs = 2_000;
    expect([await shown(lists), made]).toEqual(['list 1', 2]);
    expect(await shown(lists)).toBe('list 2');
    nowMs = 7_000;
    expect(await shown(lists)).toBe('list 3');
    expect(await shown(lists, make, 'somebody else’s')).toBe('list 4');
  });

  test('who looks at the same time has it made once; one that fails is made again, and what is not whole is not kept', async () => {
    const lists = new RecentLists(() => nowMs);
    expect(await Promise.all([shown(lists), shown(lists)])).toEqual(['list 1', 'list 1']);
    lists.forget();
    await expect(shown(lists, () => Promise.reject(new Error('away')))).rejects.toThrow('away');
    expect(await shown(lists, async () => listOf('a part', false))).toBe('a part');
    expect(await shown(lists)).toBe('list 2');
  });

  test('what is forgotten while it is made is shown to who waits for it, and not kept', async () => {
    const lists = new RecentLists(() => nowMs);
    let finish: (list: VerifiedList) => void = () => undefined;
    const slow = shown(lists, () => new Promise((resolve) => (finish = resolve)));
    lists.forget('waiting');
    expect(await shown(lists)).toBe('list 1');
    finish(listOf('from before'));
    expect(await slow).toBe('from before');
    expect([await shown(lists), lists.last('waiting')?.newest]).toEqual(['list 1', ['list 1']]);
  });
});
