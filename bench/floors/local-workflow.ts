import { condition, defineSignal, proxyLocalActivities, setHandler } from '@temporalio/workflow';

const goSignal = defineSignal('go');

const { act } = proxyLocalActivities<{ act(id: string): Promise<void> }>({ startToCloseTimeout: '10s' });

/** The second floor: as the first, but the worker runs the activity within the workflow task. */
export async function bareLocal(id: string): Promise<void> {
  let going = false;
  setHandler(goSignal, () => {
    going = true;
  });
  await condition(() => going, '1 hour');
  await act(id);
}
