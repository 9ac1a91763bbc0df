import { sharedFor } from '../../../src/gateway/http/shared';
import { Waits } from '../../../src/gateway/requests/waits';

describe('work that many may ask for', () => {
  it('long polls are bounded, in all and of one caller; who finds no room is answered at once', async () => {
    const waits = new Waits(3, 2);
    let end: () => void = () => undefined;
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    const waited: number[] = [];
    const poll = (caller: string) =>
      waits.during(caller, 30_000, async (ms) => {
        waited.push(ms);
        if (ms > 0) await ended;
      });
    const polls = ['a', 'a', 'a', 'b', 'c'].map(poll);
    expect(waited).toEqual([30_000, 30_000, 0, 30_000, 0]);
    end();
    await Promise.all(polls);
    await expect(waits.during('a', 1, () => Promise.reject(new Error('gone')))).rejects.toThrow('gone');
    waited.length = 0;
    await Promise.all(['a', 'a', 'b'].map(poll));
    expect(waited).toEqual([30_000, 30_000, 30_000]);
  });

  it('what anyone may ask is asked once in a while, and said to fail as long', async () => {
    let nowMs = 0;
    let asked = 0;
    const ping = sharedFor(
      1_000,
      async () => {
        asked += 1;
        if (asked === 2) throw new Error('no server');
      },
      () => nowMs,
    );
    await Promise.all([ping(), ping()]);
    await ping();
    expect(asked).toBe(1);
    nowMs = 1_000;
    await expect(ping()).rejects.toThrow('no server');
    await expect(ping()).rejects.toThrow('no server');
    expect(asked).toBe(2);
    nowMs = 2_000;
    await ping();
    expect(asked).toBe(3);
  });
});
