import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { authorise, connectorContract } from '../../src/connectors/kit';
import { LeaseBookConnector } from '../../src/connectors/lease-book/connector';
import { sshCertificate } from '../../src/connectors/ssh-certificate/definition';
import { SshCertificates } from '../../src/connectors/ssh-certificate/target';
import { byKey, Requester } from '../../src/enforcement';
import { plainKey, SshAuthority } from '../../src/ssh-ca/authority';
import { SshGrants } from '../../src/ssh-ca/grants';
import { termsOf } from '../../src/ssh-ca/terms';
import { eventuallyTrue, sleep } from '../support/harness-wait';
import { startPostgres, type TestPostgres } from '../support/postgres';
import { CONNECTOR } from '../support/targets/life';
import { livesOnTarget } from '../support/targets/lives';
import { TestSshd } from '../support/targets/sshd';
import { TcpChangeProxy } from '../support/targets/tcp-change-proxy';

const GRANT = { principals: 'deploy' };

let sshd: TestSshd;
let postgres: TestPostgres;
let connector: LeaseBookConnector;
let grants: SshGrants;
/** Leads to the database in which the grants lie, which is what giving and taking change. */
let proxy: TcpChangeProxy;
beforeAll(async () => {
  [sshd, postgres] = await Promise.all([TestSshd.start(['deploy', 'jonas']), startPostgres()]);
  const target = new SshCertificates('hosts', { url: postgres.url });
  connector = new LeaseBookConnector({ name: 'hosts', target, url: postgres.url });
  grants = new SshGrants({ connector: 'hosts', url: postgres.url });
  proxy = await TcpChangeProxy.start(Number(new URL(postgres.url).port), (sent) =>
    /(?:INSERT INTO|UPDATE) countersign\.ssh_grant/.test(sent.toString('latin1')),
  );
}, 300_000);
afterAll(async () => {
  await connector?.close();
  await grants?.close();
  await proxy?.stop();
  await sshd?.stop();
  postgres?.stop();
});

const authority = () => new SshAuthority({ connector: 'hosts', ca: sshd.ca });
let keys = 0;
/** Makes a key with a certificate by these terms. Returns the file of the key. */
async function keyFor(
  grant: Readonly<Record<string, string>>,
  { leaseId = 'lease-0001', account = 'jonas', lifeMs = 60_000, by = authority(), nowMs = Date.now() } = {},
): Promise<string> {
  keys += 1;
  const { file, publicKey } = sshd.makeKey(`key-${keys}`);
  const terms = termsOf(grant, account);
  if (terms === undefined) throw new Error('the grant is none');
  const lease = { leaseId, expiresAtMs: nowMs + lifeMs };
  writeFileSync(`${file}-cert.pub`, `${await by.sign(plainKey(publicKey) ?? '', terms, lease, nowMs)}\n`);
  return file;
}
const letsIn = async (key: string) => (await sshd.login(key, 'true')).exitCode === 0;
const publish = async () => sshd.revoke(await authority().revocationList(await grants.revoked(), Date.now()));
const give = async (id: string, durationMs = 60_000) =>
  connector.provision(await authorise({ id, account: 'jonas', grant: GRANT, durationMs }));

const NOTHING = { grants: [], accounts: [] };
const BY_HAND = { leaseId: 'by-hand-0001', account: 'mira', grant: GRANT, grantName: 'deploy' };
/** Works on the rows of the life's connector, past it. */
const byHand = async <T>(work: (own: SshGrants) => Promise<T>): Promise<T> => {
  const own = new SshGrants({ connector: CONNECTOR, url: postgres.url });
  return work(own).finally(() => own.close());
};
const throughProxy = (): string => {
  const url = new URL(postgres.url);
  url.port = String(proxy.port);
  return url.href;
};

describe('TGT-2, TTA-3, EMG-1, EMG-2 the connector contract: SSH certificates', () => {
  const contract = connectorContract({
    definition: sshCertificate,
    connector: () => connector,
    account: 'jonas',
    grant: GRANT,
    grantName: 'deploy',
    unknown: [{ account: 'two words' }, { account: 'a,b' }, { grant: { principals: 'x y' } }],
  });
  for (const { name, run } of contract) test(name, run, 60_000);
});

describe('TGT-1 what a real OpenSSH server makes of a certificate', () => {
  test('it lets the holder in as the principals of the grant, and its log names the request', async () => {
    const { file } = sshd.makeKey('plain');
    expect(await letsIn(file)).toBe(false);
    expect(await letsIn(await keyFor(GRANT, { leaseId: 'named-in-the-log' }))).toBe(true);
    expect(await sshd.logs(/ID "countersign\/hosts\/named-in-the-log"/)).toBeTruthy();
    expect(await letsIn(await keyFor({ principals: '{account}' }))).toBe(true);
    expect(await letsIn(await keyFor({ principals: '{account}' }, { account: 'mira' }))).toBe(false);
    expect(await letsIn(await keyFor({ principals: 'admin, root-of-all' }))).toBe(false);
  }, 60_000);

  test('EMG-2 it ends by itself with the lease, though nobody ends it', async () => {
    const key = await keyFor(GRANT, { lifeMs: 4_000 });
    expect(await letsIn(key)).toBe(true);
    await sleep(4_000);
    expect(await letsIn(key)).toBe(false);
    expect(await sshd.logs(/Certificate invalid: expired/)).toBeTruthy();
  }, 60_000);

  test('EMG-2 an early end revokes every certificate of the lease, and none of another lease', async () => {
    await give('ended-early-1');
    await give('goes-on-0001');
    const [first, second, other] = [
      await keyFor(GRANT, { leaseId: 'ended-early-1' }),
      await keyFor(GRANT, { leaseId: 'ended-early-1' }),
      await keyFor(GRANT, { leaseId: 'goes-on-0001' }),
    ];
    await publish();
    expect([await letsIn(first), await letsIn(second), await letsIn(other)]).toEqual([true, true, true]);
    expect(await connector.revoke('ended-early-1', 'revoked')).toMatchObject({ accessRemoved: false });
    await publish();
    expect([await letsIn(first), await letsIn(second), await letsIn(other)]).toEqual([false, false, true]);
    expect(await connector.revoke('goes-on-0001', 'revoked')).toMatchObject({ accessRemoved: true });
    await publish();
    expect(await letsIn(other)).toBe(false);
  }, 60_000);

  test('only from the addresses of the grant, and only its command', async () => {
    expect(await letsIn(await keyFor({ ...GRANT, sourceAddress: '127.0.0.0/8, 10.0.0.1' }))).toBe(true);
    expect(await letsIn(await keyFor({ ...GRANT, sourceAddress: '10.0.0.0/8' }))).toBe(false);
    const forced = await keyFor({ ...GRANT, forceCommand: 'echo "only this"; exit 3' });
    expect(await sshd.login(forced, 'id')).toMatchObject({ exitCode: 3, out: 'only this\n' });
  }, 60_000);

  test('it forwards nothing and gives a terminal, unless the grant says otherwise', async () => {
    const allowed = (key: string) =>
      execFileSync('ssh-keygen', ['-L', '-f', `${key}-cert.pub`], { encoding: 'utf8' })
        .split('Extensions:')[1]
        ?.match(/permit-[\w-]+/g) ?? [];
    expect(allowed(await keyFor(GRANT))).toEqual(['permit-pty']);
    expect(allowed(await keyFor({ ...GRANT, permit: 'none' }))).toEqual([]);
    expect(allowed(await keyFor({ ...GRANT, forceCommand: 'true' }))).toEqual([]);
    const more = { ...GRANT, permit: 'pty, port-forwarding' };
    expect(allowed(await keyFor(more)).sort()).toEqual(['permit-port-forwarding', 'permit-pty']);
  });

  test('a certificate of another authority does not count', async () => {
    const { file } = sshd.makeKey('another-authority');
    const by = new SshAuthority({ connector: 'hosts', ca: file });
    expect(await letsIn(await keyFor(GRANT, { by }))).toBe(false);
  });

  test('the key of the authority can lie in an agent', async () => {
    const socket = path.join(sshd.dir, 'agent');
    const agent: ChildProcess = spawn('ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' });
    try {
      await eventuallyTrue('the agent listens', async () => existsSync(socket));
      const env = { ...process.env, SSH_AUTH_SOCK: socket };
      execFileSync('ssh-add', ['-q', sshd.ca], { env, stdio: 'ignore' });
      const by = new SshAuthority({ connector: 'hosts', ca: `${sshd.ca}.pub`, agent: socket });
      expect(await letsIn(await keyFor(GRANT, { by }))).toBe(true);
      expect(await sshCertificate.check({ ca: `${sshd.ca}.pub`, agent: socket }, NOTHING)).toEqual([
        { what: 'reach', ok: true, detail: 'the authority signs' },
      ]);
    } finally {
      agent.kill();
    }
  });

  test('the list is empty before any end, and keeps an ended lease for an hour after its certificates expired', async () => {
    let nowMs = Date.now();
    const own = new SshGrants({ connector: 'clock', url: postgres.url, nowMs: () => nowMs });
    const lease = { leaseId: 'lease-of-a-minute', account: 'jonas', grant: GRANT, grantName: 'deploy' };
    await own.give({ ...lease, expiresAtMs: nowMs + 60_000 });
    expect(await own.revoked()).toEqual([]);
    await own.take(lease.leaseId);
    await own.give({ ...lease, expiresAtMs: nowMs + 60_000 });
    expect(await own.given(['deploy'])).toEqual([]);
    expect(await own.revoked()).toEqual([lease.leaseId]);
    nowMs += 60_000 + 59 * 60_000;
    expect(await own.revoked()).toEqual([lease.leaseId]);
    nowMs += 2 * 60_000;
    expect(await own.revoked()).toEqual([]);
    await own.close();
  });
});

livesOnTarget(
  'ssh-certificate',
  {
    'wrong-authority': () => ({
      settings: { ca: '/nowhere/ca' },
      says: /the authority of this connector is not available now/,
      checkSays: /reach: the certificate authority cannot sign: .*No such file/,
    }),
  },
  () => {
    // The holder keeps a copy of key and certificate, as a thief would.
    const kept = path.join(sshd.dir, 'kept');
    const files = `$(dirname "$GRANT_SSH_CONFIG")/id_ed25519`;
    return {
      kind: 'ssh-certificate',
      settings: { ca: sshd.ca },
      leases: throughProxy(),
      account: 'jonas',
      grant: GRANT,
      address: sshd.address,
      command: `cp "${files}" ${kept} && cp "${files}-cert.pub" ${kept}-cert.pub && ssh -F "$GRANT_SSH_CONFIG" ${sshd.trust.join(' ')} target true`,
      works: async (gateway) => {
        // What cron does on a host: it keeps the list that it has if the gateway has none for it.
        const list = await fetch(`${gateway}/v1/ssh/${CONNECTOR}/krl`);
        if (list.ok) sshd.revoke(Buffer.from(await list.arrayBuffer()));
        return existsSync(kept) && letsIn(kept);
      },
      proxy,
      outage: { halt: async () => postgres.halt(), restart: async () => postgres.restart() },
      other: {
        account: 'mira',
        give: () => byHand((own) => own.give({ ...BY_HAND, expiresAtMs: Date.now() + 3_600_000 })),
        holds: () =>
          byHand(async (own) => (await own.given(['deploy'])).some(({ account }) => account === 'mira')),
        take: () => byHand((own) => own.take(BY_HAND.leaseId)),
      },
    };
  },
  (life) => {
    const signedBy = async (
      who: string,
      id: string,
      publicKey = sshd.makeKey(`of-${who.replace('/', '-')}-${Date.now()}`).publicKey,
    ) => {
      const { gateway, harness } = life();
      const credential = byKey(who, await harness.cast.key(who), gateway);
      const requester = await Requester.at({ gateway, credential });
      return requester.sshCertificate(id, publicKey).then(
        (certificate) => certificate.split(' ')[0],
        (error: unknown) => (error instanceof Error ? error.message : String(error)),
      );
    };

    test('TTA-3 the gateway signs for the holder of a living grant, a key of a safe kind, and nothing else', async () => {
      const run = life().run('sleep 60', '5m');
      const id = await life().idOf(run);
      expect(await signedBy('ci/payments', id)).toBe('the access has not been given yet');
      await life().approve(run);
      await eventuallyTrue('it is granted', async () => run.said.err.includes('granted to'));
      expect(await signedBy('ci/payments', id, 'ssh-rsa AAAA')).toMatch(/^public_key has to be one line/);
      expect(await signedBy('ci/payments', id)).toBe('ssh-ed25519-cert-v01@openssh.com');
      for (const other of ['person/jonas', 'person/mira', 'agent/atlas'])
        expect(await signedBy(other, id)).toBe('there is no such grant for you');
      await life().say('revoke', id);
      await run.exit;
      expect(await signedBy('ci/payments', id)).toBe('the access has ended');
    }, 180_000);

    test('TTA-1 a row that somebody put into the table, without an approval, is not enough', async () => {
      const run = life().run('true', '5m');
      const id = await life().idOf(run);
      await eventuallyTrue('it waits', async () => run.said.err.includes('missing: person/mira'));
      const forged = { ...BY_HAND, leaseId: id, account: 'jonas', expiresAtMs: Date.now() + 60_000 };
      await byHand((own) => own.give(forged));
      expect(await signedBy('ci/payments', id)).not.toMatch(/^ssh-/);
      run.child.kill('SIGINT');
      await run.exit;
    }, 180_000);
  },
);
