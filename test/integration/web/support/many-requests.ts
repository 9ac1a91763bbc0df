import { setTimeout as sleep } from 'node:timers/promises';
import { noteFigure, shareOf } from '../../../support/figures';
import { WRITE } from '../../../support/harness-asks';
import { eventuallyTrue } from '../../../support/harness-wait';
import { PageVisitor } from '../../../support/page-visitor';
import { PageStack } from '../../../support/pages';

const LOOKS = 100;
/** Between two looks, so that some come while nothing is kept, and some while lists are made again. */
const MOST_PAUSE_MS = 200;

/** The pages of a real gateway, a real Temporal server and a worker, with so many requests that wait for people. */
export class ManyRequests {
  private constructor(
    readonly count: number,
    readonly stack: PageStack,
  ) {}

  static async start(count: number): Promise<ManyRequests> {
    const stack = await PageStack.start(['person/mira', 'person/nadia'], () => ({}), false);
    const { cast, client, bundle } = stack.harness;
    // Each of an identity of its own would need a directory of a thousand; the limits of asking again are not what is measured.
    bundle.replace(
      'paths.yaml',
      'limit: 3, nearLimit: 10, openLimit: 20',
      'limit: 900, nearLimit: 900, openLimit: 900',
    );
    const requesters = ['ci/payments', 'person/jonas'];
    const asks = Array.from({ length: count }, (_, at) => ({
      ...WRITE,
      requester: requesters[at % requesters.length] ?? '',
      reason: `change number ${at}`,
    }));
    for (let at = 0; at < count; at += 10)
      await Promise.all(asks.slice(at, at + 10).map((ask) => cast.ask(ask)));
    const open = { status: 'awaiting_approval', running: true, limit: 1_000 } as const;
    await eventuallyTrue('all are listed', async () => (await client.list(open)).length === count, 60_000);
    return new ManyRequests(count, stack);
  }

  /** Looks at a page until all that it lists is verified. The first looks verify everything, for five seconds each. */
  async settled(visitor: PageVisitor, path: string) {
    let page = await visitor.get(path);
    await eventuallyTrue(
      'everything is verified',
      async () => {
        page = await visitor.get(path);
        return !/not shown|Load the page again/.test(page.text);
      },
      120_000,
    );
    return page;
  }

  /** Looks at a page again and again with pauses, and notes how long it takes. */
  async measure(person: string, path: string, what = path): Promise<void> {
    const visitor = await PageVisitor.signIn(this.stack, person);
    await this.settled(visitor, path);
    const times: number[] = [];
    const used = process.cpuUsage();
    for (let look = 0; look < LOOKS; look += 1) {
      await sleep(Math.random() * MOST_PAUSE_MS);
      const begin = performance.now();
      expect((await visitor.get(path)).status).toBe(200);
      times.push(performance.now() - begin);
    }
    const { user, system } = process.cpuUsage(used);
    const cpu = ((user + system) / 1_000 / LOOKS).toFixed(1);
    noteFigure(
      `${what} with ${this.count} open requests: p50 ${shareOf(times, 0.5)}, p95 ${shareOf(times, 0.95)}, most ${shareOf(times, 0.999)}; ${cpu} ms of CPU time a look, of gateway, worker and this test together`,
    );
  }
}
