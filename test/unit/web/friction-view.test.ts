import { findingsOf } from '../../../src/friction/signals';
import { FrictionTally } from '../../../src/friction/tally';
import { FrictionView } from '../../../src/web/parts/friction-figures';
import { healthyCrowd, teamsOf } from '../../support/friction/crowd';
import { lifeOf } from '../../support/friction/population';

const DAY = 86_400_000;

function shown(requests: number, more: { readonly left?: number; readonly isWhole?: boolean } = {}): string {
  const tally = new FrictionTally({ teamsOf });
  for (const plan of healthyCrowd(requests)) tally.add(lifeOf(plan));
  const figures = tally.figures();
  const findings = findingsOf({ tally, figures });
  const counted = { figures, findings, fromMs: 0, toMs: 30 * DAY, left: 0, isWhole: true, ...more };
  return String(FrictionView({ counted }));
}

const textOf = (html: string): string =>
  html
    .replace(/<wbr\/?>/g, '')
    .replace(/<[^>]+>/g, ' ')
    .replace(/\s+/g, ' ');

describe('FRI-4, WEB-6 figures as charts that are text too', () => {
  test('each bar has its name and its numbers in words', () => {
    const html = shown(120);
    const rows = [
      ...html.matchAll(
        /<tr><th scope="row">(.*?)<\/th><td><div class="measure">(<svg.*?<\/svg>)<span>(.*?)<\/span><\/div><\/td><\/tr>/g,
      ),
    ];
    expect(rows.length).toBeGreaterThan(15);
    for (const [, name = '', bar = '', words = ''] of rows) {
      expect(textOf(name).trim()).not.toBe('');
      expect(bar).toMatch(/^<svg [^>]*aria-hidden="true"/);
      expect(words).toMatch(/\d|none|no decision yet/);
    }
    expect(textOf(html)).toMatch(/How requests ended .*granted \d+ \(\d+ %\)/);
    expect(textOf(html)).toMatch(/Who is asked .*person\/mira \d+ prompts, \d+ in the busiest hour/);
  });

  test('bars have the lengths of their numbers, and none is longer than the chart', () => {
    const ends = /How requests ended.*?<\/table>/s.exec(shown(120))?.[0] ?? '';
    const bars = [...ends.matchAll(/width="([\d.]+)" height="10"><\/rect><\/svg><span>(\d+) /g)].map(
      ([, width, count]) => ({ width: Number(width), count: Number(count) }),
    );
    const most = Math.max(...bars.map(({ count }) => count));
    expect(bars.length).toBeGreaterThan(3);
    for (const { width, count } of bars) expect(width).toBeCloseTo((200 * count) / most, 0);
  });

  test('the content security policy lets all of it stand: no style in it', () => {
    expect(shown(60)).not.toMatch(/style=|<style|on[a-z]+=/);
  });

  test('what is left out is said', () => {
    expect(textOf(shown(20, { left: 3, isWhole: false }))).toMatch(/these are the newest.*3 more are listed/);
    expect(textOf(shown(0))).toMatch(/requests 0 .*Nothing stands out/);
  });
});
