import type { PrincipalId } from '../../../src/domain/principal';
import type { SigningKey } from '../../../src/signing/keys';
import { attestSubmission, signSubmission } from '../../../src/signing/sign';
import { SignedDirectory } from '../../../src/signing/signed-directory';
import { Keyring, sampleRequest, strangersKey } from '../../support/keyring';

const NOW = 1_700_000_000_000;
const VIA = {
  issuer: 'https://issuer.example',
  subject: 'atlas',
  token: `sha-256:${'A'.repeat(43)}`,
};

/* Who may say that somebody else asked, and what that is worth (TTA-1, TTA-5). */
describe('TTA-1, TTA-5 an attestation', () => {
  let keyring: Keyring;
  let recorder: SigningKey;
  let atlas: SigningKey;

  beforeEach(async () => {
    keyring = new Keyring();
    recorder = await keyring.enrol('service/gateway', { kind: 'service', roles: ['recorder'] });
    atlas = await keyring.enrol('agent/atlas');
  });

  const attested = (
    key: SigningKey,
    iss: PrincipalId = 'service/gateway',
    request = sampleRequest({ submittedAtMs: NOW }),
  ) => attestSubmission(request, { iss, via: VIA }, key, NOW);
  const codeOf = async (submission: Awaited<ReturnType<typeof attested>>): Promise<string> => {
    const recognised = await new SignedDirectory(keyring).authenticateSubmission(submission, NOW);
    return recognised.ok ? recognised.value.assurance : recognised.refusal.code;
  };

  it('of a recorder is worth a channel; the requester signing for themselves is worth their key', async () => {
    expect(await codeOf(await attested(recorder))).toBe('channel');
    expect(await codeOf(await signSubmission(sampleRequest({ submittedAtMs: NOW }), atlas))).toBe('key');
  });

  it('of anybody else is worth nothing', async () => {
    expect(await codeOf(await attested(await strangersKey()))).toBe('UNKNOWN_KEY');
    expect(await codeOf(await attested(atlas, 'agent/atlas'))).toBe('BAD_SIGNATURE');
    const person = await keyring.enrol('person/mira', { roles: ['recorder'] });
    expect(await codeOf(await attested(person, 'person/mira'))).toBe('BAD_SIGNATURE');
    const bot = await keyring.enrol('bot/deployer', { kind: 'bot', roles: ['iam-operations'] });
    expect(await codeOf(await attested(bot, 'bot/deployer'))).toBe('BAD_SIGNATURE');
    // In the recorder's name, by another key.
    expect(await codeOf(await attested(atlas, 'service/gateway'))).toBe('BAD_SIGNATURE');
  });

  it('falls with the recorder, its key, and the one it names', async () => {
    const submission = await attested(recorder);
    keyring.revoke(recorder.keyId);
    expect(await codeOf(submission)).toBe('UNKNOWN_KEY');
    const retired = await keyring.enrol('service/gateway', { roles: ['recorder'], active: false });
    expect(await codeOf(await attested(retired))).toBe('DISABLED_IDENTITY');
    const next = await keyring.enrol('service/gateway', { kind: 'service', roles: ['recorder'] });
    await keyring.enrol('agent/atlas', { active: false });
    expect(await codeOf(await attested(next))).toBe('DISABLED_IDENTITY');
  });

  it('is for exactly what it was made for', async () => {
    const submission = await attested(recorder);
    const changed = { ...submission, request: { ...submission.request, durationMs: 61_000 } };
    expect(await codeOf(changed)).toBe('DIGEST_MISMATCH');
    const renamed = { ...submission, request: { ...submission.request, requester: 'person/mira' } };
    expect(await codeOf(renamed)).toBe('BAD_SIGNATURE');
    // A recorder attests others, never itself.
    const own = sampleRequest({ requester: 'service/gateway', beneficiary: 'service/gateway' });
    expect(await codeOf(await attested(recorder, 'service/gateway', own))).toBe('BAD_SIGNATURE');
  });
});
