import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { assessActivity } from '../../../src/activities/assess';
import { checkStatementsActivity } from '../../../src/activities/check-statements';
import { provisionActivity } from '../../../src/activities/provision';
import { policyFilesOf, readPolicy } from '../../../src/audit/evidence/policy';
import { Rechecker } from '../../../src/audit/evidence/recheck';
import type { Connector } from '../../../src/connectors/contract';
import { workflowIdOf } from '../../../src/contracts/names';
import { STATEMENT_TYPE, SUBMISSION_TYPE } from '../../../src/contracts/statement';
import { readDirectory } from '../../../src/directory/read-directory';
import { requestDigest } from '../../../src/domain/digest';
import type { Ledger } from '../../../src/domain/precedents';
import type { SignatureCount } from '../../../src/domain/signature-count';
import { FORGETFUL } from '../../../src/ledger';
import { SignedDirectory } from '../../../src/signing/signed-directory';
import { permittedCase } from '../../support/authorisation';
import { sampleRequest } from '../../support/keyring';
import { SoftwarePasskey } from '../../support/signing/passkey';

const NOW = Date.parse('2026-11-29T12:00:00Z');
const passkey = new SoftwarePasskey();
const read = readDirectory(
  'directory.yaml',
  `people:\n  person/mira: { name: Mira, keys: [${JSON.stringify(passkey.registration)}] }\n`,
);
if (!read.ok) throw new Error(JSON.stringify(read.problems));
const { directory } = read.value;
const signed = new SignedDirectory(directory);
const request = sampleRequest({ id: 'counted-0001', requester: 'person/mira', beneficiary: 'person/mira' });
const digest = requestDigest(request);

const approval = passkey.sign(
  {
    ...{ typ: STATEMENT_TYPE, iss: 'person/mira', jti: 'counted', iat: NOW / 1_000, exp: NOW / 1_000 + 600 },
    ...{ verb: 'approve', stage: 'owner', request: request.id, digest, revision: 0 },
  },
  { signCount: 7 },
);
const BACK = {
  code: 'BAD_SIGNATURE',
  detail: expect.stringMatching(/^the passkey's signature counter went back \(to 7\)/),
};

/** A ledger that answers in this way, and what it was asked. */
function ledgerThat(answers: boolean | 'fails') {
  const asked: [SignatureCount, string | undefined][] = [];
  const ledger: Ledger = {
    ...FORGETFUL,
    signed: async (count, _atMs, made) => {
      asked.push([count, made]);
      if (answers === 'fails') throw new Error('the ledger is away');
      return answers;
    },
  };
  return { ledger, asked };
}

const unused = () => Promise.reject(new Error('unused'));
const policy = { digest: 'sha-256:p', assess: unused, checkReroute: unused, assessOnRecord: unused };
const dependencies = (ledger: Ledger) => ({
  ...{ ledger, connector: () => undefined, nowMs: () => NOW },
  authority: async () => ({ directory: signed, policy }),
});
const checkedBy = (ledger: Ledger, envelope: Parameters<typeof signed.authenticateStatement>[0] = approval) =>
  checkStatementsActivity(dependencies(ledger))([envelope], request).then(([check]) => check);

describe('WEB-2 a passkey whose signature counter went back signs nothing', () => {
  test('an approval is counted before it counts, and refused if its counter went back', async () => {
    const [good, bad] = [ledgerThat(true), ledgerThat(false)];
    expect(await checkedBy(good.ledger)).toMatchObject({ verified: true });
    expect(good.asked).toEqual([
      [{ credential: passkey.credentialId, count: 7, signature: expect.any(String) }, undefined],
    ]);
    expect(await checkedBy(bad.ledger)).toEqual({
      verified: false,
      attempt: { refusal: BACK, claimedVerb: 'approve', claimedIssuer: 'person/mira', claimedId: 'counted' },
    });
  });

  test('what does not verify leaves no count behind, and while the record is away nothing counts', async () => {
    const asked = ledgerThat(true);
    expect(await checkedBy(asked.ledger, new SoftwarePasskey().sign({}))).toMatchObject({ verified: false });
    expect(asked.asked).toEqual([]);
    expect(await checkedBy(ledgerThat('fails').ledger)).toMatchObject({
      verified: false,
      attempt: { refusal: { code: 'NOT_NOW' } },
    });
  });

  test('a request that a copy signed is refused before policy is asked', async () => {
    const claims = { typ: SUBMISSION_TYPE, iss: 'person/mira', jti: 's', request: request.id, digest };
    const proof = passkey.sign({ ...claims, iat: NOW / 1_000 }, { signCount: 7 });
    const assess = assessActivity(dependencies(ledgerThat(false).ledger));
    const result = await assess({ request, proof }, workflowIdOf(request.id));
    expect(result).toMatchObject({
      readable: true,
      assessment: { outcome: 'refuse', reasonCodes: ['BAD_SUBMISSION'], explanation: BACK.detail },
    });
    // AUD-3: whoever replays it finds the same, without the record.
    const rechecker = new Rechecker({
      policies: [{ ...policyText, digest: 'sha-256:p' }],
      directories: [directory],
    });
    expect(await rechecker.assessment({ request, proof }, request.id, result)).toMatchObject({ same: true });
  });

  test('the act demands it too: of a workflow that never asked, a count that another signature has is refused', async () => {
    const {
      evidence,
      directory: agrees,
      policy: permits,
    } = permittedCase({
      ...{ id: 'counted-0002', account: 'payments_ci', role: 'production_write' },
    });
    const provision = jest.fn();
    const connector: Pick<Connector, 'provision'> = { provision };
    const act = (ledger: Ledger) =>
      provisionActivity({
        ...{ ledger, nowMs: Date.now, connector: () => ({ ...absent, ...connector }) },
        authority: async () => ({
          directory: { ...agrees, authenticateDenial: unused },
          policy: { ...permits, assessOnRecord: unused },
        }),
      })({ ...evidence, submission: { ...evidence.submission, proof: approval } });
    const [bad, good] = [ledgerThat(false), ledgerThat(true)];
    expect(await act(bad.ledger)).toEqual({ outcome: 'refused', refusal: BACK });
    expect(bad.asked).toEqual([[expect.objectContaining({ count: 7 }), 'long ago']]);
    expect(provision).not.toHaveBeenCalled();
    provision.mockResolvedValue({ outcome: 'granted' });
    expect(await act(good.ledger)).toMatchObject({ outcome: 'granted' });
  });
});

const folder = path.resolve(__dirname, '../../../policies');
const files = readdirSync(folder).flatMap((name) =>
  /\.(cedar|cedarschema|yaml)$/.test(name)
    ? [[name, readFileSync(path.join(folder, name), 'utf8')] as const]
    : [],
);
const policyRead = readPolicy(policyFilesOf(new Map(files)));
if (!policyRead.ok) throw new Error(policyRead.message);
const { policy: policyText } = policyRead;
const absent: Connector = {
  ...{ provision: unused, revoke: unused, list: unused, overdue: unused },
  ...{ withReconcilerLock: unused, close: unused },
};

describe('AUD-3 evidence of what was refused as a copy holds without the record of counters', () => {
  const rechecker = new Rechecker({ policies: [policyText], directories: [directory] });

  test('and evidence that calls a counter gone back where another refusal was due does not', async () => {
    const check = await checkedBy(ledgerThat(false).ledger);
    if (check === undefined) throw new Error('nothing was checked');
    expect(await rechecker.statement({ content: approval }, request, check, NOW)).toMatchObject({
      same: true,
    });
    const stranger = new SoftwarePasskey().sign({ typ: STATEMENT_TYPE }, { signCount: 7 });
    expect(await rechecker.statement({ content: stranger }, request, check, NOW)).toMatchObject({
      same: false,
    });
  });
});
