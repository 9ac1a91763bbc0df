import type { CatalogGrant } from '../../../src/connectors/contract';
import type { Access, BookTarget, LeaseMark, MarkedAccess } from '../../../src/connectors/lease-book/target';
import { TargetUnavailable } from '../../../src/database/unavailable';
import { sleep } from '../harness-wait';

/** What becomes of one call of the lease book. */
export const FATES = [
  'passes',
  'is refused',
  'is lost',
  'is done, unheard',
  'is slow',
  'is done later, unheard',
  'the worker dies before it',
  'the worker dies after it',
  'the worker dies while it asks',
  'is not answered when asked',
] as const;
export type ModelFate = (typeof FATES)[number];

/** A target in memory whose calls fail in every way in which a real one can. Grants are kept for each lease, or for each account. */
export class ModelTarget implements BookTarget {
  /** The ids of the leases for which an account holds the grant; the account itself where ids are not kept. */
  readonly held = new Map<string, Set<string>>();
  nextFate: ModelFate = 'passes';
  /** Kills the worker that calls. */
  die: () => void = () => undefined;
  #late: (() => void)[] = [];

  constructor(private readonly keepsIds = false) {}

  nameOf(): string {
    return 'group';
  }

  async refuse({ account }: Access): Promise<string | undefined> {
    this.#ask();
    return account === 'nobody' ? 'there is nobody called nobody' : undefined;
  }

  async holds({ account }: Access): Promise<boolean> {
    this.#ask();
    return this.has(account);
  }

  has(account: string): boolean {
    return (this.held.get(account)?.size ?? 0) > 0;
  }

  give({ account }: Access, { leaseId }: LeaseMark): Promise<void> {
    const mark = this.keepsIds ? leaseId : account;
    return this.#change(() => this.held.set(account, (this.held.get(account) ?? new Set()).add(mark)));
  }

  take({ account }: Access, { leaseId }: LeaseMark): Promise<void> {
    return this.#change(() => {
      if (this.keepsIds) this.held.get(account)?.delete(leaseId);
      else this.held.delete(account);
    });
  }

  async holders() {
    return [...this.held].flatMap(([account, marks]) =>
      marks.size > 0 ? [{ account, grant: 'group' }] : [],
    );
  }

  /** Carries out what was on its way, and lets everything pass from now on. */
  heal(): void {
    this.nextFate = 'passes';
    for (const change of this.#late.splice(0)) change();
  }

  async close(): Promise<void> {}

  #ask(): void {
    const fate = this.nextFate;
    if (fate !== 'is not answered when asked' && fate !== 'the worker dies while it asks') return;
    this.nextFate = 'passes';
    if (fate === 'the worker dies while it asks') this.die();
    throw new TargetUnavailable('the model is away');
  }

  async #change(change: () => void): Promise<void> {
    const fate = this.nextFate;
    if (fate === 'is not answered when asked' || fate === 'the worker dies while it asks') return change();
    this.nextFate = 'passes';
    if (fate === 'is slow') await sleep(15);
    if (fate === 'the worker dies before it') this.die();
    if (fate === 'is refused') throw new TargetUnavailable('the model refused', undefined, true);
    // Where ids are not kept, nobody can tell a change that comes after its lease: the docs state that limit.
    if (fate === 'is done later, unheard' && this.keepsIds) this.#late.push(change);
    const isDone = ['passes', 'is slow', 'is done, unheard', 'the worker dies after it'].includes(fate);
    if (isDone) change();
    if (fate === 'the worker dies after it') this.die();
    if (fate !== 'passes' && fate !== 'is slow') throw new TargetUnavailable('the model cannot be reached');
  }
}

/** The same with the id of each lease. */
export class MarkingModelTarget extends ModelTarget {
  constructor() {
    super(true);
  }

  async marked([grant]: readonly CatalogGrant[]): Promise<readonly MarkedAccess[]> {
    if (grant === undefined) return [];
    return [...this.held].flatMap(([account, marks]) =>
      [...marks].map((leaseId) => ({ leaseId, account, grant, grantName: 'group' })),
    );
  }
}
