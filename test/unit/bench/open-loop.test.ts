import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { arrivals, seeded } from '../../../bench/arrivals';
import { nowMs } from '../../../bench/clock';
import { openLoop } from '../../../bench/open-loop';
import type { Life } from '../../../bench/side';

const noClient = undefined as unknown as Client;

describe('FRI-1 a bench whose figures cannot flatter', () => {
  it('FRI-1 sends decisions with random gaps, the same for the same seed', () => {
    const due = arrivals(10, 2_000, seeded(7));
    expect(arrivals(10, 2_000, seeded(7))).toEqual(due);
    const gaps = due.map((atMs, index) => atMs - (due[index - 1] ?? 0));
    const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
    const deviation = Math.sqrt(gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / gaps.length);
    // Of a Poisson process the deviation of the gaps is their mean. Gaps of one length would have none.
    expect(mean).toBeCloseTo(100, -1);
    expect(deviation / mean).toBeGreaterThan(0.9);
  });

  it('FRI-1 does not wait for a grant before it sends the next decision, and counts every wait from when a decision was due', async () => {
    const sent: string[] = [];
    let release: (() => void) | undefined;
    const stalled = new Promise<void>((resolve) => {
      release = resolve;
    });
    const lives = ['a', 'b', 'c'].map(
      (id): Life => ({
        id,
        workflowId: id,
        start: async () => undefined,
        decide: async () => {
          sent.push(id);
          if (sent.length === 3) void sleep(200).then(release);
        },
      }),
    );
    const worker = { granted: () => stalled.then(nowMs) };
    const { samples } = await openLoop(lives, [0, 20, 40], { client: noClient, worker });
    expect(sent).toEqual(['a', 'b', 'c']);
    const latencies = samples.map(({ latencyMs }) => latencyMs).sort((a, b) => b - a);
    // The stall delayed all three, the first longest: none of it is left out.
    expect(latencies[0]).toBeGreaterThan(latencies[2] ?? Number.NaN);
    expect(latencies[2]).toBeGreaterThanOrEqual(150);
  });
});
