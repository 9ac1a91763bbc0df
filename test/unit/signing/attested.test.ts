import { requestDigest } from '../../../src/domain/digest';
import type { PrincipalId, Standing } from '../../../src/domain/principal';
import type { SignedEnvelope } from '../../../src/domain/request';
import type { SigningKey } from '../../../src/signing/keys';
import { attestChoice, type ChoiceDraft, signAs, signStatement } from '../../../src/signing/sign';
import { SignedDirectory } from '../../../src/signing/signed-directory';
import { Keyring, sampleRequest, strangersKey } from '../../support/keyring';

const NOW = 1_700_000_000_000;
const VIA = {
  channel: 'slack',
  workspace: 'T0ACME',
  account: 'U0MIRA',
  message: 'C0DEPLOYS/1700000000.000100',
  received: `sha-256:${'A'.repeat(43)}`,
} as const;
const DRAFT: ChoiceDraft = {
  verb: 'approve',
  request: 'request-0001',
  digest: `sha-256:${'B'.repeat(43)}`,
  revision: 0,
  stage: 'owners',
};
const TIMES = { nowMs: NOW, lifeMs: 60_000 };
const ATTESTER: Partial<Standing> = { kind: 'service', roles: ['channel-attester'] };

/* Who may say that somebody chose something in a chat, and what that is worth (TTA-4, WEB-2). */
describe('TTA-4, WEB-2 an attested statement', () => {
  let keyring: Keyring;
  let attester: SigningKey;

  beforeEach(async () => {
    keyring = new Keyring();
    attester = await keyring.enrol('service/slack', ATTESTER, 'slack');
    await keyring.enrol('person/mira');
    keyring.account('person/mira', 'slack', 'T0ACME/U0MIRA');
  });

  const chosen = (
    key: SigningKey,
    {
      by = 'service/slack',
      iss = 'person/mira',
      via = {} as Partial<typeof VIA | Record<string, string>>,
    } = {},
  ) => attestChoice(DRAFT, iss, { attester: by, via: { ...VIA, ...via } }, key, TIMES);
  async function outcomeOf(envelope: SignedEnvelope): Promise<string> {
    const check = await new SignedDirectory(keyring).authenticateStatement(envelope, NOW);
    if (!check.verified) return check.attempt.refusal.code;
    const { assurance, channel, signer } = check.facts;
    return `${signer.id} ${assurance} ${channel}`;
  }

  it('is the word of a channel for the person whose account it is, whatever the key is worth', async () => {
    expect(await outcomeOf(await chosen(attester))).toBe('person/mira channel slack');
  });

  it('of anybody but an attester of this channel is worth nothing', async () => {
    expect(await outcomeOf(await chosen(await strangersKey()))).toBe('UNKNOWN_KEY');
    const others: readonly (readonly [PrincipalId, Partial<Standing>, string])[] = [
      ['service/gateway', { kind: 'service', roles: ['recorder'] }, 'slack'],
      ['person/tomas', { roles: ['channel-attester'] }, 'slack'],
      ['service/mattermost', ATTESTER, 'mattermost'],
      ['service/elsewhere', ATTESTER, 'gateway'],
    ];
    for (const [by, standing, channel] of others)
      expect([by, await outcomeOf(await chosen(await keyring.enrol(by, standing, channel), { by }))]).toEqual(
        [by, 'BAD_SIGNATURE'],
      );
    // In the attester's name, by the key of the person whom it is about.
    const own = await keyring.enrol('person/mira', {}, 'slack');
    expect(await outcomeOf(await chosen(own))).toBe('BAD_SIGNATURE');
  });

  it('falls with the attester, its key, and the account', async () => {
    const envelope = await chosen(attester);
    keyring.account('person/mira', 'slack', 'T0ACME/U0OTHER');
    expect(await outcomeOf(envelope)).toBe('BAD_SIGNATURE');
    keyring.account('person/mira', 'slack', 'T0ACME/U0MIRA');
    const next = await keyring.enrol('service/slack', { ...ATTESTER, active: false }, 'slack');
    expect(await outcomeOf(await chosen(next))).toBe('DISABLED_IDENTITY');
    keyring.revoke(attester.keyId);
    expect(await outcomeOf(envelope)).toBe('UNKNOWN_KEY');
  });

  it('of another workspace, or about somebody without an account, is worth nothing', async () => {
    expect(await outcomeOf(await chosen(attester, { via: { workspace: 'T0EVIL' } }))).toBe('BAD_SIGNATURE');
    expect(await outcomeOf(await chosen(attester, { via: { account: 'U0EVE' } }))).toBe('BAD_SIGNATURE');
    await keyring.enrol('person/tomas');
    expect(await outcomeOf(await chosen(attester, { iss: 'person/tomas' }))).toBe('BAD_SIGNATURE');
    expect(await outcomeOf(await chosen(attester, { iss: 'service/slack' }))).toBe('BAD_SIGNATURE');
  });

  it('names its stage, and comes in its own envelope only', async () => {
    const { stage: _stage, ...without } = DRAFT;
    const claims = { ...without, iss: 'person/mira', jti: 'one', iat: NOW / 1_000, exp: NOW / 1_000 + 60 };
    const typ = 'countersign-attested-statement+jwt';
    const bare = await signAs(typ, { ...claims, attester: 'service/slack', via: VIA }, attester);
    expect(await outcomeOf({ format: 'attested', attested: bare.jws })).toBe('MALFORMED');
    const { attested } = await chosen(attester);
    expect(await outcomeOf({ format: 'jws', jws: attested })).toBe('MALFORMED');
    // A statement of the attester itself does not become one of a person by its envelope.
    const own = await signStatement(DRAFT, 'service/slack', attester, TIMES);
    expect(await outcomeOf({ format: 'attested', attested: own.jws })).toBe('MALFORMED');
  });

  it('submits nothing: not even the requester’s own key does in this envelope', async () => {
    const atlas = await keyring.enrol('agent/atlas');
    const request = sampleRequest({ submittedAtMs: NOW });
    const about = { request: request.id, digest: requestDigest(request) };
    const claims = { iss: 'agent/atlas', jti: 'one', iat: NOW / 1_000, ...about };
    const { jws } = await signAs('countersign-attested-statement+jwt', claims, atlas);
    const proof = { format: 'attested', attested: jws } as const;
    const known = await new SignedDirectory(keyring).authenticateSubmission({ request, proof }, NOW);
    expect(known).toMatchObject({ ok: false, refusal: { code: 'MALFORMED' } });
  });
});
