import type { PayloadCodec } from '@temporalio/common';
import { readCodecKeys } from './codec-keys';
import { EncryptionCodec } from './encryption-codec';

/**
 * The codecs that the configuration asks for: encryption where a key file is named, none otherwise. The file is read
 * once; a new key counts from the next start.
 *
 * @throws Error of one line where the file cannot be used: to go on in clear would be worse
 */
export function configuredCodecs(keyFile: string | undefined): PayloadCodec[] {
  if (keyFile === undefined) return [];
  const read = readCodecKeys(keyFile);
  if (!read.ok) throw new Error(`COUNTERSIGN_CODEC_KEYS: ${read.message}`);
  return [new EncryptionCodec(read.keys)];
}
