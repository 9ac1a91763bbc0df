import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { defineUpdate } from '@temporalio/workflow';
import { TASK_QUEUE, WORKFLOW_TYPE, workflowIdOf } from '../../src/contracts/names';
import type { SignedEnvelope, Submission } from '../../src/domain/request';
import type { Verb } from '../../src/domain/statement';
import type { Attack } from './plan';

/** What the attacker knows: every message that was ever sent. They have no key. */
export interface Loot {
  readonly submission: Submission;
  readonly sent: readonly { readonly verb: Verb; readonly envelope: SignedEnvelope }[];
}

const bytes = (text: string) => new TextEncoder().encode(text);
const payload = (encoding: string, data: string) => ({
  metadata: { encoding: bytes(encoding) },
  data: bytes(data),
});

const POISON = [
  payload('json/plain', '{not json'),
  payload('binary/encrypted', 'xyz'),
  { metadata: {}, data: bytes('xyz') },
  payload('binary/protobuf', '\u0001\u0002'),
  payload('json/plain', '{"__proto__":{"format":"jws","jws":"a.b.c"}}'),
  payload('json/plain', '['.repeat(20_000) + ']'.repeat(20_000)),
  payload('json/plain', JSON.stringify({ format: 'jws', jws: `a.${'b'.repeat(40_000)}.c` })),
];
const FLOOD = 120;
const NAMES = ['grantNow', '__temporal_x', '__proto__', 'constructor', '__stack_trace', '__default_signal'];
const RESET_REAPPLY_SIGNALS_AND_UPDATES = [1, 2];

/** Makes one call that anyone with write access to the namespace can make. If it fails, that is ignored. */
export async function attack(temporal: Client, requestId: string, what: Attack, loot: Loot): Promise<void> {
  await new Attacker(temporal, workflowIdOf(requestId), loot).perform(what).catch(() => undefined);
}

class Attacker {
  constructor(
    private readonly temporal: Client,
    private readonly workflowId: string,
    private readonly loot: Loot,
  ) {}

  perform(what: Attack): Promise<unknown> {
    switch (what) {
      case 'poison':
        return this.#signals(POISON.map((one) => ['approve', [one]]));
      case 'flood':
        return this.#signals(
          Array.from({ length: FLOOD }, (_, count) => [
            'approve',
            [
              payload(
                'json/plain',
                JSON.stringify({ flood: count, fill: 'x'.repeat(count % 10 ? 10 : 50_000) }),
              ),
            ],
          ]),
        );
      case 'unknown-names':
        return this.#signals(NAMES.map((name) => [name, [payload('json/plain', '{"ok":true}')]]));
      case 'bad-updates':
        return this.#badUpdates();
      case 'cancel':
        return this.#handle.cancel();
      case 'terminate':
        return this.#handle.terminate('by a stranger');
      case 'terminate-and-restart':
      case 'restart-when-over':
        return this.#restart();
      case 'reset':
        return this.#reset([]);
      case 'reset-without-signals':
        return this.#reset(RESET_REAPPLY_SIGNALS_AND_UPDATES);
      case 'delete':
        return this.temporal.workflowService.deleteWorkflowExecution({
          namespace: 'default',
          workflowExecution: { workflowId: this.workflowId },
        });
    }
  }

  get #handle() {
    return this.temporal.workflow.getHandle(this.workflowId);
  }

  #signals(signals: readonly (readonly [string, unknown[]])[]): Promise<unknown> {
    return Promise.all(
      signals.map(([signalName, payloads]) =>
        this.temporal.workflowService.signalWorkflowExecution({
          namespace: 'default',
          workflowExecution: { workflowId: this.workflowId },
          signalName,
          input: { payloads: payloads as (typeof POISON)[number][] },
        }),
      ),
    );
  }

  async #badUpdates(): Promise<void> {
    const updates: readonly (readonly [string, unknown])[] = [
      ['submitStatement', undefined],
      ['submitStatement', { approve: true }],
      ['grantNow', 1],
      ['__temporal_x', 1],
      ['__proto__', {}],
    ];
    await this.temporal.withDeadline(Date.now() + 3_000, () =>
      Promise.allSettled(
        updates.map(([name, value]) =>
          this.#handle.executeUpdate(defineUpdate<unknown, [unknown]>(name), { args: [value] }),
        ),
      ),
    );
  }

  /** Terminates the workflow, starts another under its id, and sends every earlier statement again. */
  async #restart(): Promise<void> {
    await this.#handle.terminate('by a stranger').catch(() => undefined);
    await this.temporal.workflow.start(WORKFLOW_TYPE, {
      workflowId: this.workflowId,
      taskQueue: TASK_QUEUE,
      args: [this.loot.submission],
      workflowIdReusePolicy: 'ALLOW_DUPLICATE',
    });
    await sleep(300);
    await this.#sayAgain();
  }

  /** Resets the workflow to its first task. Later statements are sent again, except denials. */
  async #reset(leaveOut: number[]): Promise<void> {
    const { events = [] } = await this.#handle.fetchHistory();
    const first = events?.find((event) => event.workflowTaskCompletedEventAttributes != null);
    await this.temporal.workflowService.resetWorkflowExecution({
      namespace: 'default',
      workflowExecution: { workflowId: this.workflowId },
      requestId: randomUUID(),
      reason: 'by a stranger',
      workflowTaskFinishEventId: first?.eventId ?? null,
      resetReapplyExcludeTypes: leaveOut,
    });
    await sleep(300);
    if (leaveOut.length > 0) await this.#sayAgain();
  }

  async #sayAgain(): Promise<void> {
    for (const { verb, envelope } of this.loot.sent)
      if (!['deny', 'cancel', 'withdraw', 'revoke'].includes(verb)) await this.#handle.signal(verb, envelope);
  }
}
