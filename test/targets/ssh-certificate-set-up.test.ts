import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { checkConnector } from '../../src/connectors';
import { sshCertificate } from '../../src/connectors/ssh-certificate/definition';
import { plainKey } from '../../src/ssh-ca/authority';
import { SshGrants } from '../../src/ssh-ca/grants';
import { nameOfGrant } from '../../src/ssh-ca/terms';
import { startPostgres } from '../support/postgres';
import { TestSshd } from '../support/targets/sshd';

const GRANT = { principals: 'deploy' };
const NOTHING = { grants: [], accounts: [] };

let sshd: TestSshd;
beforeAll(async () => {
  sshd = await TestSshd.start(['deploy']);
}, 300_000);
afterAll(() => sshd?.stop());

describe('TGT-4 what is wrong is told at once and exactly', () => {
  test.each([
    ['a key of RSA', 'ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQDl'],
    ['two lines', 'ssh-ed25519 AAAA\nssh-ed25519 AAAA'],
    ['options before it', 'command="x" ssh-ed25519 AAAA'],
    ['a certificate', 'ssh-ed25519-cert-v01@openssh.com AAAA'],
    ['something long', `ssh-ed25519 ${'A'.repeat(2_000)}`],
    ['nothing', ''],
  ])('%s is not signed', (_, text) => expect(plainKey(text)).toBeUndefined());

  test('check says what the authority lacks, and what no certificate can say', async () => {
    const check = async (settings: Record<string, string>, expected = NOTHING) =>
      (await sshCertificate.check(settings, expected)).map(
        ({ what, ok, detail }) => `${ok ? 'ok' : 'FAIL'} ${what}: ${detail}`,
      );
    expect(await check({})).toEqual(['ok reach: no authority is set here; only the gateway needs it']);
    expect(await check({ ca: sshd.ca })).toEqual(['ok reach: the authority signs']);
    expect(await check({ ca: '/nowhere/ca' })).toEqual([
      expect.stringMatching(/^FAIL reach: the certificate authority cannot sign: .*No such file/),
    ]);
    const locked = path.join(sshd.dir, 'locked');
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', 'a passphrase', '-f', locked]);
    expect(await check({ ca: locked })).toEqual([
      expect.stringMatching(/^FAIL reach: the certificate authority cannot sign: .*passphrase/),
    ]);
    expect(await check({ agent: '/nowhere' })).toEqual([expect.stringMatching(/^FAIL reach: .*CA has to/)]);
    expect(
      await sshCertificate.check(
        { ca: sshd.ca },
        { grants: [GRANT, { principals: 'a b' }], accounts: ['jonas', 'two words'] },
      ),
    ).toMatchObject([{ ok: true }, { ok: true }, { ok: false }, { ok: true }, { ok: false }]);
  });

  test('check tries the database of the leases, and the table by which the gateway signs', async () => {
    const postgres = await startPostgres();
    const check = async (login: string) => {
      const url = new URL(postgres.url);
      url.username = login;
      const declared = { name: 'hosts', kind: 'ssh-certificate' };
      const checks = await checkConnector(declared, [declared], NOTHING, {
        COUNTERSIGN_LEASES_URL: url.href,
      });
      return checks.filter(({ what }) => what === 'lease book');
    };
    try {
      await postgres.query('CREATE ROLE weak LOGIN; REVOKE CREATE ON DATABASE postgres FROM PUBLIC');
      const isFine = [{ what: 'lease book', ok: true, detail: expect.stringMatching(/^PostgreSQL/) }];
      expect(await check('postgres')).toEqual(isFine);
      expect(await check('weak')).toMatchObject([{ ok: false, detail: /no schema countersign/ }]);
      const grants = new SshGrants({ connector: 'hosts', url: postgres.url });
      expect(await grants.revoked()).toEqual([]);
      await grants.close();
      expect(await check('postgres')).toEqual(isFine);
      await postgres.query('GRANT USAGE, CREATE ON SCHEMA countersign TO weak');
      await postgres.query('GRANT ALL ON countersign.migration, countersign.lock TO weak');
      expect(await check('weak')).toMatchObject([
        { ok: false, detail: 'weak may not read and write countersign.ssh_grant; it has to own them' },
      ]);
      await postgres.query('ALTER TABLE countersign.ssh_grant OWNER TO weak');
      expect(await check('weak')).toEqual(isFine);
      expect(await check('nobody_there')).toMatchObject([{ ok: false, detail: /does not exist/ }]);
    } finally {
      postgres.stop();
    }
  }, 60_000);

  test('the catalog refuses what OpenSSH would read as something else; equal grants have one name', () => {
    for (const grant of [
      { principals: '' },
      { principals: 'a,,b' },
      { principals: 'deploy', sourceAddress: 'host.example' },
      { principals: 'deploy', permit: 'everything' },
      { principals: 'deploy', forceCommand: 'a\nb' },
      { principals: 'x="y"' },
      { user: 'deploy' },
    ])
      expect(sshCertificate.grant.safeParse(grant).success).toBe(false);
    expect(sshCertificate.account?.safeParse('o"brien').success).toBe(false);
    expect(sshCertificate.account?.safeParse('jürgen@example.com').success).toBe(true);
    expect(nameOfGrant({ principals: 'b, a' })).toBe(nameOfGrant({ principals: 'a,b' }));
    expect(nameOfGrant({ principals: 'a', permit: 'none' })).not.toBe(nameOfGrant({ principals: 'a' }));
  });
});
