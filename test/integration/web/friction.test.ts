import { randomUUID } from 'node:crypto';
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { WORKFLOW_TYPE, workflowIdOf } from '../../../src/contracts/names';
import { READ, WRITE } from '../../support/harness-asks';
import { eventually, eventuallyTrue } from '../../support/harness-wait';
import { PageVisitor } from '../../support/page-visitor';
import { PageStack } from '../../support/pages';

jest.setTimeout(120_000);

const STATUS = defineSearchAttributeKey('CountersignStatus', SearchAttributeType.KEYWORD);

let stack: PageStack;
beforeAll(async () => {
  stack = await PageStack.start(['person/mira', 'person/nadia', 'person/chen']);
});
afterAll(() => stack?.stop());

/** The text of a page, without markup. */
const textOf = (html: string): string =>
  html
    .replace(/<wbr\/?>/g, '')
    .replace(/<[^>]+>/g, ' ')
    .replace(/\s+/g, ' ');

/** Opens the page until it has figures of so many requests. */
async function countedOf(visitor: PageVisitor, requests: number): Promise<string> {
  return eventually(
    `${requests} requests are counted`,
    async () => {
      const text = textOf((await visitor.get('/friction')).text);
      if (text.includes(`requests ${requests} `)) return text;
      // The next count is not due for five minutes.
      stack.clock.offsetMs += 6 * 60_000;
      return undefined;
    },
    30_000,
  );
}

describe('FRI-4, FRI-5 what requests cost people, on a page', () => {
  test('it is for governors and process owners', async () => {
    for (const person of ['person/nadia', 'person/chen'])
      expect((await (await PageVisitor.signIn(stack, person)).get('/friction')).status).toBe(200);
    const mira = await PageVisitor.signIn(stack, 'person/mira');
    expect((await mira.get('/friction')).status).toBe(403);
    expect((await mira.get('/live/friction')).status).toBe(403);
    expect((await mira.get('/')).text).not.toContain('href="/friction"');
  });

  test('TTA-5 counts what is proved, and says what it left out because nothing proves it', async () => {
    const { cast, temporal } = stack.harness;
    await cast.ask(READ);
    const denied = await cast.ask(WRITE);
    await cast.say('person/mira', 'deny', denied);
    await cast.over(denied);
    await temporal.workflow.start(WORKFLOW_TYPE, {
      workflowId: workflowIdOf(randomUUID()),
      taskQueue: 'nobody-listens-here',
      typedSearchAttributes: [{ key: STATUS, value: 'denied' }],
    });
    const nadia = await PageVisitor.signIn(stack, 'person/nadia');
    const text = await countedOf(nadia, 2);
    expect(text).toMatch(/granted 1 \(50 %\) denied by people 1 \(50 %\)/);
    expect(text).toMatch(/person\/mira 1 prompt, 1 in the busiest hour; 0 approved, 1 denied/);
    expect(text).toMatch(/1 more are listed by the server and not counted, because nothing proves them/);
  });

  test('however many open it, requests are counted once, and not again for five minutes', async () => {
    const nadia = await PageVisitor.signIn(stack, 'person/nadia');
    const isDone = async () => !(await nadia.get('/friction')).text.includes('data-live="/live/friction');
    await eventuallyTrue('no count goes on', isDone);
    const lists = jest.spyOn(stack.gateway.client, 'list');
    stack.clock.offsetMs += 6 * 60_000;
    const answers = await Promise.all(Array.from({ length: 40 }, () => nadia.get('/friction')));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    await eventuallyTrue('the count is done', isDone);
    expect(lists).toHaveBeenCalledTimes(1);
    stack.clock.offsetMs += 4 * 60_000;
    await nadia.get('/friction');
    expect(lists).toHaveBeenCalledTimes(1);
    lists.mockRestore();
  });
});
