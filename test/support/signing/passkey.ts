import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { encodeCBOR } from '@levischuck/tiny-cbor';
import canonicalize from 'canonicalize';
import type { WebauthnEnvelope } from '../../../src/domain/request';

export const RP_ID = 'access.example.com';
export const ORIGIN = `https://${RP_ID}`;

/** Deviations of a ceremony from what an honest browser and authenticator would send. */
export interface Ceremony {
  readonly origin?: string;
  readonly rpId?: string;
  readonly type?: string;
  readonly crossOrigin?: boolean;
  readonly topOrigin?: string;
  /** Bits of the authenticator data's flags: 1 user present, 4 user verified, 8 backup eligible, 16 backed up. */
  readonly flags?: number;
  readonly signCount?: number;
  /** Claims as text, which are signed unchanged. */
  readonly claims?: string;
  /** The claims that the challenge covers, if they differ from those sent. */
  readonly challenged?: string;
}

const KINDS = {
  ES256: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  EdDSA: () => generateKeyPairSync('ed25519'),
  RS256: () => generateKeyPairSync('rsa', { modulusLength: 2_048 }),
};

/** An authenticator in software: real keys and real signatures in the layout of WebAuthn Level 3, section 6. */
export class SoftwarePasskey {
  readonly credentialId = randomBytes(32).toString('base64url');
  /** COSE_Key in base64url. */
  readonly publicKey: string;
  readonly #privateKey: KeyObject;
  #signCount = 0;

  constructor(private readonly algorithm: keyof typeof KINDS = 'ES256') {
    const { publicKey, privateKey } = KINDS[algorithm]();
    this.#privateKey = privateKey;
    this.publicKey = Buffer.from(encodeCBOR(coseOf(publicKey))).toString('base64url');
  }

  /** The private key as an authenticator of Chromium's is given it: PKCS #8 in base64. */
  get privateKey(): string {
    return this.#privateKey.export({ type: 'pkcs8', format: 'der' }).toString('base64');
  }

  /** As `directory.yaml` has it. */
  get registration() {
    const { credentialId, publicKey } = this;
    return { passkey: { credentialId, publicKey, rpId: RP_ID, origin: ORIGIN } };
  }

  /** Sets aside the counts of a browser's authenticator that holds this key. Returns the last one that is used. */
  lend(): number {
    const last = this.#signCount;
    this.#signCount += 1_000;
    return last;
  }

  /** Signs claims on a page, with the user present and verified unless the ceremony says otherwise. */
  sign(claims: object, ceremony: Ceremony = {}): WebauthnEnvelope {
    const text = ceremony.claims ?? canonicalize(claims) ?? '';
    const { origin = ORIGIN, rpId = RP_ID, type = 'webauthn.get', topOrigin, flags = 0b101 } = ceremony;
    const clientData = Buffer.from(
      JSON.stringify({
        type,
        challenge: sha256(ceremony.challenged ?? text).toString('base64url'),
        origin,
        crossOrigin: ceremony.crossOrigin ?? false,
        ...(topOrigin !== undefined && { topOrigin }),
      }),
    );
    const counter = Buffer.alloc(4);
    counter.writeUInt32BE(ceremony.signCount ?? ++this.#signCount);
    const authenticatorData = Buffer.concat([sha256(rpId), Buffer.of(flags), counter]);
    const signed = Buffer.concat([authenticatorData, sha256(clientData)]);
    const signature = sign(this.algorithm === 'EdDSA' ? null : 'sha256', signed, this.#privateKey);
    return {
      format: 'webauthn',
      claims: text,
      credentialId: this.credentialId,
      authenticatorData: authenticatorData.toString('base64url'),
      clientDataJSON: clientData.toString('base64url'),
      signature: signature.toString('base64url'),
    };
  }
}

const sha256 = (data: string | Buffer): Buffer => createHash('sha256').update(data).digest();

/** RFC 9053 sections 7.1 and 7.2, RFC 8230 section 4. */
function coseOf(publicKey: KeyObject): Map<number, number | Uint8Array> {
  const { kty, x = '', y = '', n = '', e = '' } = publicKey.export({ format: 'jwk' });
  const bytes = (text: string) => new Uint8Array(Buffer.from(text, 'base64url'));
  const entries: readonly (readonly [number, number | Uint8Array])[] =
    kty === 'EC'
      ? [
          [1, 2],
          [3, -7],
          [-1, 1],
          [-2, bytes(x)],
          [-3, bytes(y)],
        ]
      : kty === 'OKP'
        ? [
            [1, 1],
            [3, -8],
            [-1, 6],
            [-2, bytes(x)],
          ]
        : [
            [1, 3],
            [3, -257],
            [-1, bytes(n)],
            [-2, bytes(e)],
          ];
  return new Map(entries);
}
