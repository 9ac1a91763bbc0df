import { condition, defineSignal, proxyActivities, setHandler } from '@temporalio/workflow';

const goSignal = defineSignal('go');

const { act } = proxyActivities<{ act(id: string): Promise<void> }>({ startToCloseTimeout: '10s' });

/** The first floor: one signal, one timer, one activity on the server that does nothing. */
export async function bare(id: string): Promise<void> {
  let going = false;
  setHandler(goSignal, () => {
    going = true;
  });
  await condition(() => going, '1 hour');
  await act(id);
}
