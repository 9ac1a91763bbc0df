import type {
  EnforcementPoint,
  GatewayError,
  MigrationExecutor,
  TaskAnswer,
} from '../../../../src/enforcement';
import { eventuallyTrue } from '../../../support/harness-wait';
import { actionOf, additions, approvedLie, change, codeOf, propose } from '../support/proposal';
import type { UpStack } from '../support/up-stack';

interface Ground {
  readonly stack: UpStack;
  readonly pipeline: EnforcementPoint;
  readonly migrator: EnforcementPoint;
  readonly executor: MigrationExecutor;
}

/** The first of the stories, with a real executor on a real database. It shares the stack of whoever calls this. */
export function migrationCases(ground: () => Ground): void {
  let stack: UpStack;
  let pipeline: EnforcementPoint;
  let migrator: EnforcementPoint;
  let executor: MigrationExecutor;
  beforeAll(() => {
    ({ stack, pipeline, migrator, executor } = ground());
  });

  describe('AGE-6, AGE-1, AGE-3 a schema migration', () => {
    const table = (name: string) => ({
      statements: [
        `CREATE TABLE payments.${name} (id bigint PRIMARY KEY, note text)`,
        `INSERT INTO payments.${name} VALUES (1, 'made by an approved migration')`,
      ],
    });
    const exists = async (name: string): Promise<boolean> =>
      (await stack.query('SELECT to_regclass($1) AS found', [`payments.${name}`]))[0]?.['found'] != null;
    const present = async (task: TaskAnswer) =>
      pipeline.presentation((await pipeline.executionToken(task)).token);

    it('changes the database after sign-off and not before', async () => {
      const evaluation = change('payments-schema', 'migrate', 'sql-migration', table('refund'));
      const { task } = await propose(pipeline, evaluation);
      const id = task.task.id;
      // Nothing can be had before people have signed, by the polite way or by another.
      await expect(pipeline.executionToken(task)).rejects.toThrow('no approved execution');
      expect(await codeOf(pipeline.executionToken(approvedLie(task)))).toBe('NOT_AUTHORISED');
      expect(await exists('refund')).toBe(false);

      await eventuallyTrue('it is listed for whom it awaits', async () => {
        const awaiting = await stack.as('person/aiko', '/v1/awaiting');
        return awaiting.json.requests.some((one: { id: string }) => one.id === id);
      });
      const seen = await stack.as('person/aiko', `/v1/requests/${id}`);
      expect(seen.json).toMatchObject({
        request: {
          requester: 'ci/payments',
          parameters: { arguments: table('refund') },
          containment: expect.stringContaining('read-only'),
          rollback: expect.stringContaining('reverse change'),
        },
        stage: 'owner',
      });
      expect((await stack.sign('person/aiko', id, 'approve')).json).toMatchObject({ accepted: true });

      const approved = await pipeline.wait(task, { timeoutMs: 45_000 });
      expect(approved).toMatchObject({
        task: { status: 'approved' },
        result: { mode: 'urn:countersign:result-mode:execution-token', execution: { request: id } },
      });
      expect(await exists('refund')).toBe(false);
      expect(await executor.execute(await present(approved))).toEqual({
        outcome: 'succeeded',
        request: id,
        rows: [0, 1],
      });
      expect(await exists('refund')).toBe(true);
      const after = await stack.as('person/aiko', `/v1/requests/${id}`);
      expect(after.json.execution).toMatchObject({ redeemedBy: 'service/migrator', outcome: 'succeeded' });
    });

    it('is not skipped, changed, repeated or raced', async () => {
      const evaluation = change('payments-schema', 'migrate', 'sql-migration', table('chargeback'));
      const { task, denial } = await propose(pipeline, evaluation);
      const other = change('payments-schema', 'migrate', 'sql-migration', {
        statements: ['DROP SCHEMA payments CASCADE'],
      });
      // Changed: the denial of one is no ground to ask for another.
      expect(await codeOf(pipeline.request(other, denial, additions))).toBe('400');
      await stack.sign('person/david', task.task.id, 'approve');
      const approved = await pipeline.wait(task, { timeoutMs: 45_000 });
      const { token } = await pipeline.executionToken(approved);
      // Changed: the token of one is no token for another.
      const wrong = await migrator
        .redeem(await pipeline.presentation(token), actionOf(other))
        .catch((error: GatewayError) => error.code);
      expect(wrong).toBe('DIGEST_MISMATCH');
      // Raced and repeated: of many at once one runs, and none after it.
      const presentations = await Promise.all(Array.from({ length: 8 }, () => pipeline.presentation(token)));
      const outcomes = await Promise.all(presentations.map((one) => executor.execute(one)));
      const told = outcomes.map((one) => (one.outcome === 'refused' ? one.refusal.code : one.outcome)).sort();
      expect(told).toEqual([...Array.from({ length: 7 }, () => 'REPLAYED'), 'succeeded']);
      const again = await executor.execute(await pipeline.presentation(token));
      expect(again).toMatchObject({ outcome: 'refused', refusal: { code: 'REPLAYED' } });
      expect(await codeOf(pipeline.executionToken(approved))).toBe('REPLAYED');
      expect(await stack.query('SELECT count(*)::int AS rows FROM payments.chargeback')).toEqual([
        { rows: 1 },
      ]);
      // AUD-2: what the executor refused by itself is on the record too, as much as it has room for.
      const seen = await stack.as('person/david', `/v1/requests/${task.task.id}`);
      expect(seen.json.execution).toMatchObject({ outcome: 'succeeded', refusedRedemptions: 8 });
    });

    it('leaves nothing of a migration that fails, and uses its token up', async () => {
      const broken = { statements: ['CREATE TABLE payments.half (id int)', 'SELECT 1 / 0'] };
      const { task } = await propose(pipeline, change('payments-schema', 'migrate', 'sql-migration', broken));
      await stack.sign('person/aiko', task.task.id, 'approve');
      const approved = await pipeline.wait(task, { timeoutMs: 45_000 });
      const { token } = await pipeline.executionToken(approved);
      expect(await executor.execute(await pipeline.presentation(token))).toMatchObject({
        outcome: 'failed',
        sqlState: '22012',
      });
      expect(await exists('half')).toBe(false);
      expect(await executor.execute(await pipeline.presentation(token))).toMatchObject({
        refusal: { code: 'REPLAYED' },
      });
      const seen = await stack.as('person/aiko', `/v1/requests/${task.task.id}`);
      expect(seen.json.execution).toMatchObject({ outcome: 'failed' });
    });

    it('runs as the role that the catalog names, and cannot leave its transaction', async () => {
      for (const [statements, told] of [
        [
          ['CREATE TABLE payments.sneaky (id int)', '/* harmless /* nested */ */ COMMIT', 'SELECT 1 / 0'],
          'MALFORMED',
        ],
        [['-- harmless\nSET ROLE postgres'], 'MALFORMED'],
        [['SELECT 1; COMMIT; SELECT 2'], '42601'],
        [['UPDATE countersign.execution SET redeemed_at_ms = NULL'], '42501'],
        [
          [
            "DO $$ BEGIN EXECUTE 'RESET ROLE'; END $$",
            'UPDATE countersign.execution SET redeemed_at_ms = NULL',
          ],
          'unknown',
        ],
      ] as const) {
        const { task } = await propose(
          pipeline,
          change('payments-schema', 'migrate', 'sql-migration', { statements }),
        );
        await stack.sign('person/aiko', task.task.id, 'approve');
        const approved = await pipeline.wait(task, { timeoutMs: 45_000 });
        const outcome = await executor.execute(await present(approved));
        expect(
          outcome.outcome === 'refused' ? outcome.refusal.code : 'sqlState' in outcome && outcome.sqlState,
        ).toBe(told);
      }
      expect(await exists('sneaky')).toBe(false);
    });
  });
}
