export { addCodecKey, readCodecKeys } from './codec-keys';
export { configuredCodecs, EncryptionCodec } from './encryption-codec';
export { type CodecEndpoint, startCodecEndpoint } from './endpoint';

export { newReader, readReaders } from './readers';
