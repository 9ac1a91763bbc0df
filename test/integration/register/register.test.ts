import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { checkRegister } from '../../../src/cli/register-check';
import { MOST_ROWS, type RegisterRow } from '../../../src/contracts/enrolment';
import { SILENT_LOGGER } from '../../../src/contracts/logger';
import { composeDirectory } from '../../../src/directory/register/enrolled-directory';
import { RetirementMemory } from '../../../src/directory/register/memory';
import { Register } from '../../../src/directory/register/register';
import { type DecodedRow, decodeRow } from '../../../src/directory/register/row';
import { accepted, refused } from '../../../src/domain/refusal';
import { rowSignatures } from '../../../src/signing/enrolment';
import { startPostgres, type TestPostgres } from '../../support/postgres';
import { redeem, retiredBy } from '../../support/signing/enrolment';
import { EnrolmentWorld, MINUTE, NOW } from '../../support/signing/enrolment-world';
import { SoftwarePasskey } from '../../support/signing/passkey';

let postgres: TestPostgres;
let world: EnrolmentWorld;
const registers: Register[] = [];
const lines: string[] = [];
const logger = {
  ...SILENT_LOGGER,
  warn: (about: object, message: string) => void lines.push(`${message} ${JSON.stringify(about)}`),
  error: (about: object, message: string) => void lines.push(`${message} ${JSON.stringify(about)}`),
};
let clock = 0;
/** Another process that has the register open. Each look is long after the one before. */
function open(memory?: RetirementMemory): Register {
  const nowMs = () => {
    clock += 10_000;
    return clock;
  };
  const register = new Register({ url: postgres.url, logger, nowMs, ...(memory && { memory }) });
  registers.push(register);
  return register;
}
beforeAll(async () => {
  world = await EnrolmentWorld.make();
}, 60_000);
beforeEach(async () => {
  postgres = await startPostgres();
  lines.length = 0;
}, 60_000);
afterEach(async () => {
  await Promise.all(registers.splice(0).map((one) => one.close()));
  postgres.stop();
});

const decoded = (row: RegisterRow): DecodedRow => {
  const found = decodeRow(row);
  if (found === undefined) throw new Error('no row');
  return found;
};
const anyway = async () => accepted('fine');
const holders = async (register: Register) => {
  const { directory } = await composeDirectory(world.directory(), await register.current(), rowSignatures());
  return [...directory.judged.keys.values()].map(({ key }) => key.principal).sort();
};
/** What somebody can do who has the database's own password. */
const byHand = async (sql: string, values: readonly unknown[] = []) => {
  await postgres.query('ALTER TABLE countersign.register_row DISABLE TRIGGER ALL');
  await postgres.query(sql, values);
};

describe('WEB-3 the register in a database', () => {
  test('a row that was checked is there for every process, and a second use of its invitation is refused', async () => {
    const [one, other] = [open(), open()];
    const invited = await world.invite('person/tomas');
    const row = decoded(await redeem(invited, 'person/tomas', new SoftwarePasskey(), NOW + MINUTE));
    expect(await holders(other)).toEqual([]);
    expect(await one.add(row, anyway)).toEqual({ ok: true, value: 'fine' });
    expect(await holders(other)).toEqual(['person/tomas']);
    const again = decoded(await redeem(invited, 'person/tomas', new SoftwarePasskey(), NOW));
    for (const repeated of [row, again])
      expect(await other.add(repeated, anyway)).toMatchObject({ refusal: { code: 'REPLAYED' } });
    expect(await holders(open())).toEqual(['person/tomas']);
  });

  test('what the check refuses is not written, and of two at once the later is checked over the earlier', async () => {
    const [one, other] = [open(), open()];
    const { row } = await world.enrol('person/tomas');
    expect(await one.add(decoded(row), async () => refused('NOT_GOVERNANCE', 'no'))).toMatchObject({
      ok: false,
    });
    const seen: number[] = [];
    const count = async (rows: readonly DecodedRow[]) => {
      seen.push(rows.length);
      return accepted(rows.length);
    };
    const { row: second } = await world.enrol('person/mira');
    await Promise.all([one.add(decoded(row), count), other.add(decoded(second), count)]);
    expect([await holders(one), Math.max(...seen)]).toEqual([['person/mira', 'person/tomas'], 1]);
  });

  test('an unreachable register keeps what was read last, tells its age, and is read again', async () => {
    const register = open();
    const { row } = await world.enrol('person/tomas');
    await register.add(decoded(row), anyway);
    expect(await holders(register)).toEqual(['person/tomas']);
    postgres.halt();
    expect(await holders(register)).toEqual(['person/tomas']);
    expect(await holders(register)).toEqual(['person/tomas']);
    expect(lines).toContainEqual(expect.stringMatching(/what was read last stays .*"ageSeconds":\d+/));
    await expect(register.add(decoded((await world.enrol('person/mira')).row), anyway)).rejects.toThrow(
      /database/,
    );
    const late = open();
    expect(await holders(late)).toEqual([]);
    expect(lines).toContainEqual(expect.stringMatching(/no enrolled key counts/));
    postgres.restart();
    for (let looks = 0; looks < 100 && (await holders(late)).length === 0; looks += 1)
      await new Promise((resolve) => setTimeout(resolve, 50));
    expect(await holders(late)).toEqual(['person/tomas']);
  });
});

describe('WEB-3 who can write to the database adds no key, and brings none back', () => {
  test('its rows stay: they are not changed or deleted in passing', async () => {
    const register = open();
    await register.add(decoded((await world.enrol('person/tomas')).row), anyway);
    for (const sql of [
      'DELETE FROM countersign.register_row',
      "UPDATE countersign.register_row SET row = '{}'",
      'TRUNCATE countersign.register_row',
    ])
      await expect(postgres.query(sql)).rejects.toThrow(/are kept/);
  });

  test('a retirement that somebody deletes goes on to count where it was seen, with an alarm', async () => {
    const register = open();
    const { passkey, row } = await world.enrol('person/tomas');
    await register.add(decoded(row), anyway);
    const retired = retiredBy(passkey, 'person/tomas', { keyId: passkey.credentialId }, NOW);
    await register.add(decoded(retired), anyway);
    expect(await holders(register)).toEqual([]);
    await byHand('DELETE FROM countersign.register_row WHERE credential IS NULL');
    expect(await holders(register)).toEqual([]);
    await register.add(decoded((await world.enrol('person/mira')).row), anyway);
    expect(await holders(register)).toEqual(['person/mira']);
    expect(lines).toContainEqual(expect.stringMatching(/^ALERT rows of the register have vanished/));
  });

  test('a process that starts after that knows it from its state folder, and doctor says so', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'countersign-memory-'));
    const remembering = () => open(new RetirementMemory(folder, logger));
    const check = () =>
      checkRegister(
        { connectors: [], file: world.directory() },
        { COUNTERSIGN_REGISTER_URL: postgres.url },
        folder,
      );
    const { passkey, row } = await world.enrol('person/tomas');
    const first = remembering();
    await first.add(decoded(row), anyway);
    expect(await check()).toMatchObject([{ ok: true, detail: '1 passkeys count, 0 are retired, 1 rows' }]);
    await first.add(
      decoded(retiredBy(passkey, 'person/tomas', { keyId: passkey.credentialId }, NOW)),
      anyway,
    );
    expect(await holders(first)).toEqual([]);
    expect(await check()).toMatchObject([{ ok: true, detail: '0 passkeys count, 1 are retired, 2 rows' }]);
    await byHand('DELETE FROM countersign.register_row WHERE credential IS NULL');
    expect(await holders(open())).toEqual(['person/tomas']);
    expect(lines).toEqual([]);
    expect(await holders(remembering())).toEqual([]);
    expect(lines).toContainEqual(expect.stringMatching(/^ALERT rows of the register have vanished/));
    const finding = `1 retirements that were read here are gone from it (${passkey.credentialId.slice(0, 12)})`;
    expect(await check()).toMatchObject([{ ok: false, detail: expect.stringContaining(finding) }]);
    const { file } = new RetirementMemory(folder, logger);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    // Each is there once, and what is none is left out.
    writeFileSync(file, `nonsense\n{}\n${JSON.stringify(row)}\n${readFileSync(file, 'utf8')}`);
    expect(new RetirementMemory(folder, logger).read()).toHaveLength(1);
    rmSync(folder, { recursive: true });
  });

  test('a state folder that cannot be written is told of once, and the process remembers by itself', async () => {
    const register = open(new RetirementMemory('/proc/none-of-this', logger));
    const { passkey, row } = await world.enrol('person/tomas');
    await register.add(decoded(row), anyway);
    await register.add(
      decoded(retiredBy(passkey, 'person/tomas', { keyId: passkey.credentialId }, NOW)),
      anyway,
    );
    expect(await holders(register)).toEqual([]);
    await byHand('DELETE FROM countersign.register_row WHERE credential IS NULL');
    expect(await holders(register)).toEqual([]);
    expect(lines.filter((line) => /only as long as this process lives/.test(line))).toHaveLength(1);
  });

  test('a row written by hand counts as little as what it says, and nonsense for nothing', async () => {
    const register = open();
    expect(await holders(register)).toEqual([]);
    const { row } = await world.enrol('person/tomas');
    if (!('invitation' in row)) throw new Error('not invited');
    const mine = await redeem(
      await world.invite('person/mira', { by: 'person/mira' }),
      'person/mira',
      new SoftwarePasskey(),
      NOW,
    );
    for (const [id, text] of [
      ['1', JSON.stringify(mine)],
      ['2', 'nonsense'],
      ['3', JSON.stringify({ ...row, more: true })],
      ['4', JSON.stringify({ invitation: row.invitation, registration: { format: 'jws', jws: 'a.b.c' } })],
    ])
      await byHand('INSERT INTO countersign.register_row (id, row) VALUES ($1, $2)', [id, text]);
    expect(await holders(register)).toEqual([]);
    await byHand('INSERT INTO countersign.register_row (id, row) VALUES ($1, $2)', [
      '5',
      JSON.stringify(row),
    ]);
    expect(await holders(register)).toEqual(['person/tomas']);
  });

  test('a flood is refused as a whole: what was read last stays, and nobody can add to it', async () => {
    const register = open();
    const { passkey, row } = await world.enrol('person/tomas');
    await register.add(decoded(row), anyway);
    expect(await holders(register)).toEqual(['person/tomas']);
    await byHand(
      "INSERT INTO countersign.register_row (id, row) SELECT 'flood ' || n, '{}' FROM generate_series(1, $1) n",
      [MOST_ROWS],
    );
    expect(await holders(register)).toEqual(['person/tomas']);
    expect(lines).toContainEqual(expect.stringMatching(/more than 20000 rows/));
    expect(await holders(open())).toEqual([]);
    const retired = retiredBy(passkey, 'person/tomas', { keyId: passkey.credentialId }, NOW);
    await expect(register.add(decoded(retired), anyway)).rejects.toThrow(/more than 20000 rows/);
  });
});
