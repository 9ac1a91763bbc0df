import { Turns } from '../../../src/database/turns';
import { TargetUnavailable } from '../../../src/database/unavailable';

const soon = () => new Promise((resolve) => setTimeout(resolve, 5));

/** Work that notes its name when it begins, and goes on until it is let go. */
function held(began: string[], name: string) {
  const gate: { open?: () => void } = {};
  const going = new Promise<void>((resolve) => {
    gate.open = resolve;
  });
  const work = () => {
    began.push(name);
    return going;
  };
  return { letGo: () => gate.open?.(), work };
}

describe('FRI-1, EMG-2 acts on the same access take turns', () => {
  test('one at a time for a subject, in order; another subject waits for nobody', async () => {
    const turns = new Turns();
    const began: string[] = [];
    const [one, two] = [held(began, 'one'), held(began, 'two')];
    const both = [turns.take('a', one.work), turns.take('a', two.work)];
    await turns.take('b', async () => void began.push('other'));
    await soon();
    expect(began).toEqual(['one', 'other']);
    one.letGo();
    await soon();
    expect(began).toEqual(['one', 'other', 'two']);
    two.letGo();
    await Promise.all(both);
  });

  test('an end passes the grants that wait, and comes after the ends that wait', async () => {
    const turns = new Turns();
    const began: string[] = [];
    const first = held(began, 'first');
    const note = (name: string) => async () => void began.push(name);
    const all = [
      turns.take('a', first.work),
      turns.take('a', note('grant 1')),
      turns.take('a', note('grant 2')),
      turns.take('a', note('end 1'), true),
      turns.take('a', note('end 2'), true),
    ];
    await soon();
    first.letGo();
    await Promise.all(all);
    expect(began).toEqual(['first', 'end 1', 'end 2', 'grant 1', 'grant 2']);
  });

  test('work that fails passes the turn on', async () => {
    const turns = new Turns();
    const failing = turns.take('a', () => Promise.reject(new Error('it failed')));
    const next = turns.take('a', async () => 'done');
    await expect(failing).rejects.toThrow('it failed');
    await expect(next).resolves.toBe('done');
  });

  test('who waits too long is told to retry and never begins', async () => {
    const turns = new Turns(20);
    const began: string[] = [];
    const first = held(began, 'first');
    const acting = turns.take('a', first.work);
    await expect(turns.take('a', async () => void began.push('late'))).rejects.toThrow(TargetUnavailable);
    first.letGo();
    await acting;
    await turns.take('a', async () => void began.push('after'));
    expect(began).toEqual(['first', 'after']);
  });

  test('five hundred wait for one subject at most; an end waits all the same', async () => {
    const turns = new Turns();
    const first = held([], 'first');
    const acting = turns.take('a', first.work);
    const waiting = Array.from({ length: 500 }, () => turns.take('a', async () => undefined));
    await expect(turns.take('a', async () => undefined)).rejects.toThrow(/this one is retried/);
    const end = turns.take('a', async () => 'ended', true);
    first.letGo();
    await Promise.all([acting, ...waiting]);
    await expect(end).resolves.toBe('ended');
  });
});
