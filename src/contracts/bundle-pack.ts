import { z } from 'zod';

/** What the payload of a packed bundle is, as DSSE names it. */
export const PACK_TYPE = 'application/vnd.countersign.bundle+json';

export const PACK_LIMITS = { bytes: 24 * 1024 * 1024, files: 512, signatures: 16 } as const;

const base64 = z.base64();

/** A DSSE envelope, version 1 (https://github.com/secure-systems-lab/dsse). */
export const packEnvelopeSchema = z.strictObject({
  payloadType: z.literal(PACK_TYPE),
  payload: base64,
  signatures: z
    .array(z.strictObject({ keyid: z.string().max(128), sig: base64.max(256) }))
    .max(PACK_LIMITS.signatures),
});
export type PackEnvelope = z.output<typeof packEnvelopeSchema>;

/** The files of a bundle, by name, in the order of their names. */
export const packPayloadSchema = z.strictObject({
  version: z.literal(1),
  files: z.array(z.tuple([z.string().max(200), z.string()])).max(PACK_LIMITS.files),
});

/** Returns the bytes of a payload: the same for the same files. */
export const payloadOf = (files: ReadonlyMap<string, string>): Uint8Array =>
  Buffer.from(
    JSON.stringify({ version: 1, files: [...files].sort(([one], [other]) => (one < other ? -1 : 1)) }),
  );

/** Returns the bytes that are signed: payload and type, each with its length (PAE of DSSE). */
export function preAuthenticationEncoding(type: string, payload: Uint8Array): Uint8Array {
  const head = `DSSEv1 ${Buffer.byteLength(type)} ${type} ${payload.length} `;
  return Buffer.concat([Buffer.from(head), payload]);
}
