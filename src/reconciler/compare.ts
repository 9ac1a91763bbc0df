import type { Connector, LeaseRecord } from '../connectors/contract';
import type { Logger } from '../contracts/logger';
import type { Ledger, RecordedGrant } from '../domain/precedents';

/** A grant is recorded before the act, and its end after it. What is younger than this may still be on its way. */
const SETTLED_MS = 300_000;
/** A look costs a list of all live leases of a target. */
const EVERY_MS = 60_000;
/** Differences that are remembered as told. With more, the oldest are told again. */
const MOST_TOLD = 10_000;

export interface ComparisonOptions {
  readonly ledger: Pick<Ledger, 'openGrants' | 'over' | 'grantsOf'>;
  readonly logger: Logger;
  readonly nowMs?: () => number;
}

/**
 * Compares the ledger with the targets. They differ after a database was restored from a backup. An end counts, whichever of the two
 * knows it: a lease that the target has ended is closed in the ledger, and one that lives although the ledger has its end is ended again. A
 * grant that only one of them knows is told once, and nothing is given or taken for it: which of the two is right, people decide.
 */
export class LedgerComparison {
  readonly #told = new Set<string>();
  readonly #lookedAtMs = new Map<string, number>();

  constructor(private readonly options: ComparisonOptions) {}

  /** Looks at one target, if it was not looked at a short while ago. @throws if ledger or target cannot be reached */
  async look(name: string, connector: Pick<Connector, 'list' | 'revoke'>): Promise<void> {
    const { ledger, nowMs = Date.now } = this.options;
    const atMs = nowMs();
    if (atMs < (this.#lookedAtMs.get(name) ?? Number.NEGATIVE_INFINITY) + EVERY_MS) return;
    this.#lookedAtMs.set(name, atMs);
    const isSettled = ({ grantedAtMs }: { readonly grantedAtMs: number }) => grantedAtMs + SETTLED_MS <= atMs;
    const open = (await ledger.openGrants(atMs)).filter((grant) => grant.connector === name);
    const known = new Set(open.map(({ request }) => request));
    const alive = new Map((await connector.list('alive')).leases.map((lease) => [lease.id, lease]));
    const gone = open.filter((grant) => isSettled(grant) && !alive.has(grant.request));
    if (gone.length > 0) {
      const ids = gone.map(({ request }) => request);
      await this.#lookForEnds(name, ids, (await connector.list('all')).leases);
    }
    // Each by itself: one that cannot be ended must not keep the others alive.
    const failures: unknown[] = [];
    for (const lease of alive.values())
      if (isSettled(lease) && lease.expiresAtMs > atMs && !known.has(lease.id))
        await this.#endIfOver(name, connector, lease).catch((error: unknown) => failures.push(error));
    if (failures.length > 0) throw failures[0];
  }

  /** A target that was restored has leases alive that had ended. An end was signed or due, so it counts again. */
  async #endIfOver(name: string, connector: Pick<Connector, 'revoke'>, lease: LeaseRecord): Promise<void> {
    const { id, account, grantedAtMs } = lease;
    const about = { connector: name, leaseId: id, account };
    const grants = await this.options.ledger.grantsOf(id);
    const isOver = grants.some(({ connector: at }) => at === name) && grants.every(endedAfter(grantedAtMs));
    if (isOver) await connector.revoke(id, 'revoked');
    this.#tell(
      about,
      isOver
        ? 'ALERT the target had a live lease that had ended before: the target was restored from a backup; the lease was ended again'
        : 'ALERT the target has a live lease of which the ledger has no open grant: one of the two was restored from a backup; the lease ends at its end',
    );
  }

  async #lookForEnds(name: string, ids: readonly string[], leases: readonly LeaseRecord[]): Promise<void> {
    const records = new Map(leases.map((lease) => [lease.id, lease]));
    for (const leaseId of ids) {
      const record = records.get(leaseId);
      if (record?.ended !== undefined) await this.options.ledger.over(leaseId, record.ended.atMs);
      if (record === undefined)
        this.#tell(
          { connector: name, leaseId },
          'ALERT the ledger has an open grant that the target does not know: the target was restored from before the grant, or the act has not happened; look for access of its account without a lease',
        );
    }
  }

  #tell(
    about: { readonly connector: string; readonly leaseId: string; readonly account?: string },
    message: string,
  ) {
    const key = JSON.stringify([about.connector, about.leaseId]);
    if (this.#told.has(key)) return;
    const [oldest] = this.#told;
    if (this.#told.size >= MOST_TOLD && oldest !== undefined) this.#told.delete(oldest);
    this.#told.add(key);
    this.options.logger.error(about, message);
  }
}

const endedAfter =
  (grantedAtMs: number) =>
  ({ overAtMs }: RecordedGrant): boolean =>
    overAtMs !== undefined && overAtMs >= grantedAtMs;
