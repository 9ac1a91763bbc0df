import { decodeJwt } from 'jose';
import { z } from 'zod';
import { type CountersignClient, CountersignError } from '../../client';
import { type AttestationClaims, attestationClaimsSchema } from '../../contracts/statement';
import type { Authority } from '../../domain/ports';
import type { AccessRequest, Submission } from '../../domain/request';
import { BoundedMap } from '../../signing/seen';
import type { GatewayKeys } from '../keys';
import { actionSchema, resourceSchema } from '../pdp/entities';

type TaskClaims = NonNullable<AttestationClaims['task']>;

export interface TaskItem {
  readonly request: AccessRequest;
  readonly scope: TaskClaims['scope'];
  /** Id of the evaluation whose denial it answers. */
  readonly evaluation?: string;
  readonly echo?: z.output<typeof echoSchema>;
}

/** What never changes about a task. */
export interface TaskRecord {
  readonly id: string;
  readonly isBundle: boolean;
  /** False if a gateway stopped, or is still busy, between two items. */
  readonly isWhole: boolean;
  readonly body: string;
  readonly items: readonly TaskItem[];
  readonly callback?: TaskClaims['callback'];
}

const echoSchema = z.object({ resource: resourceSchema, action: actionSchema });
const BUNDLE = 'arb_';
const SINGLE = 'arq_';

/**
 * Finds tasks. The gateway stores no tasks: what it has to know of one is in its own attestation, which stays with the request. A
 * task's id is derived from the caller and its idempotency key, so a retry finds the first attempt.
 */
export class TaskRecords {
  readonly #known = new BoundedMap<TaskRecord>(10_000);

  constructor(
    private readonly client: CountersignClient,
    private readonly keys: GatewayKeys,
    private readonly authority: () => Promise<Authority>,
    private readonly nowMs: () => number,
  ) {}

  /** Returns the id of a task, derived from what makes it unique. Nobody can guess it. */
  taskId(isBundle: boolean, ...parts: readonly string[]): string {
    return this.keys.identifier(isBundle ? BUNDLE : SINGLE, ...parts);
  }

  requestId(taskId: string, index: number): string {
    return taskId.startsWith(BUNDLE) ? this.keys.identifier(SINGLE, 'item', taskId, String(index)) : taskId;
  }

  remember(record: TaskRecord): void {
    this.#known.set(record.id, record);
  }

  /** Returns the task with this id, or undefined if this gateway's keys attested none. */
  async find(id: string): Promise<TaskRecord | undefined> {
    if (!/^ar[qb]_[\w-]{32}$/.test(id)) return undefined;
    const known = this.#known.get(id);
    if (known !== undefined) return known;
    const first = await this.#item(id, 0);
    if (first === undefined) return undefined;
    const items: TaskItem[] = [first.item];
    for (let index = 1; index < first.task.items; index += 1) {
      const next = await this.#item(id, index);
      // The gateway that starts them may not have got further yet.
      if (next === undefined) break;
      items.push(next.item);
    }
    const { body, callback } = first.task;
    const record: TaskRecord = {
      id,
      isBundle: id.startsWith(BUNDLE),
      isWhole: items.length === first.task.items,
      body,
      items,
      ...(callback && { callback }),
    };
    if (record.isWhole) this.remember(record);
    return record;
  }

  async #item(id: string, index: number): Promise<{ item: TaskItem; task: TaskClaims } | undefined> {
    const submission = await this.#submission(this.requestId(id, index));
    if (submission === undefined) return undefined;
    const { directory } = await this.authority();
    const recognised = await directory.authenticateSubmission(submission, this.nowMs());
    if (!recognised.ok) return undefined;
    const { proof } = submission;
    if (proof.format !== 'jws') return undefined;
    const claims = attestationClaimsSchema.safeParse(decodeJwt(proof.jws));
    const task = claims.success ? claims.data.task : undefined;
    if (task === undefined || task.id !== id || task.index !== index) return undefined;
    const echo = task.echo === undefined ? undefined : echoSchema.safeParse(JSON.parse(task.echo)).data;
    const { scope, evaluation } = task;
    const item = {
      request: submission.request,
      scope,
      ...(evaluation && { evaluation }),
      ...(echo && { echo }),
    };
    return { item, task };
  }

  async #submission(requestId: string): Promise<Submission | undefined> {
    try {
      return await this.client.submissionOf(requestId);
    } catch (error) {
      if (
        error instanceof CountersignError &&
        (error.code === 'NOT_FOUND' || error.code === 'INVALID_REQUEST')
      )
        return undefined;
      throw error;
    }
  }
}
