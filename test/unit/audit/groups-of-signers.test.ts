import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import canonicalize from 'canonicalize';
import { askedDirectoryOf, directoryOfExcerpt, excerptSchema } from '../../../src/audit/evidence/excerpt';
import { policyFilesOf, readPolicy } from '../../../src/audit/evidence/policy';
import { Rechecker } from '../../../src/audit/evidence/recheck';
import { STATEMENT_TYPE } from '../../../src/contracts/statement';
import { requestDigest } from '../../../src/domain/digest';
import { checkStatement } from '../../../src/domain/ports';
import type { StatementCheck } from '../../../src/domain/statement';
import { SignedDirectory } from '../../../src/signing/signed-directory';
import { sampleRequest } from '../../support/keyring';
import { SoftwarePasskey } from '../../support/signing/passkey';

const NOW = Date.parse('2026-11-29T12:00:00Z');
const passkey = new SoftwarePasskey();
const TEXT = `people:
  person/mira: { name: Mira, keys: [${JSON.stringify(passkey.registration)}] }
groups:
  owners: { title: Owners, members: [person/mira] }
  administrators: { title: Administrators, members: [person/mira] }
`;
const request = sampleRequest({ id: 'groups-0001', requester: 'person/mira', beneficiary: 'person/mira' });
const approval = passkey.sign({
  ...{ typ: STATEMENT_TYPE, iss: 'person/mira', jti: 'groups', iat: NOW / 1_000, exp: NOW / 1_000 + 600 },
  ...{ verb: 'approve', stage: 'owner', request: request.id, digest: requestDigest(request), revision: 0 },
});
const unused = () => Promise.reject(new Error('unused'));
const policy = { digest: 'sha-256:p', assess: unused, checkReroute: unused, assessOnRecord: unused };

const folder = path.resolve(__dirname, '../../../policies');
const files = readdirSync(folder).flatMap((name) =>
  /\.(cedar|cedarschema|yaml)$/.test(name)
    ? [[name, readFileSync(path.join(folder, name), 'utf8')] as const]
    : [],
);
const policyRead = readPolicy(policyFilesOf(new Map(files)));
if (!policyRead.ok) throw new Error(policyRead.message);
const { policy: policyText } = policyRead;

/** Records a statement by the directory, and reads the excerpt as from a file of evidence. */
async function recorded() {
  const directory = await askedDirectoryOf(TEXT);
  if (directory === undefined) throw new Error('no directory');
  const check = await checkStatement(approval, request, NOW, new SignedDirectory(directory), policy);
  if (!check.verified) throw new Error('the statement does not count');
  const inFile = excerptSchema.parse(JSON.parse(canonicalize(directory.excerpt()) ?? ''));
  const read = await directoryOfExcerpt(inFile, directory.digest);
  if (!read.ok) throw new Error(read.message);
  const rechecker = new Rechecker({ policies: [policyText], directories: [read.directory] });
  const recheck = (one: StatementCheck) => rechecker.statement({ content: approval }, request, one, NOW);
  return { check, recheck };
}

const withGroups = (check: StatementCheck, groups: readonly string[]): StatementCheck =>
  check.verified ? { ...check, facts: { ...check.facts, signer: { ...check.facts.signer, groups } } } : check;

test('AUD-3 evidence holds whatever the order in which the directory file names the groups of a signer', async () => {
  const { check, recheck } = await recorded();
  expect(check).toMatchObject({ facts: { signer: { groups: ['owners', 'administrators'] } } });
  expect(await recheck(check)).toMatchObject({ same: true });
});

test.each([
  [['owners']],
  [['owners', 'administrators', 'dba']],
  [['owners', 'dba']],
  [['owners', 'owners']],
])('AUD-3 and evidence that gives the signer the groups %j does not', async (groups) => {
  const { check, recheck } = await recorded();
  expect(await recheck(withGroups(check, groups))).toMatchObject({
    same: false,
    message: expect.stringContaining('facts.signer.groups'),
  });
});
