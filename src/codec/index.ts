export { addCodecKey, type CodecKeys, readCodecKeys } from './codec-keys';
export { configuredCodecs } from './configured';
export { EncryptionCodec } from './encryption-codec';
export { type CodecEndpoint, type CodecEndpointOptions, startCodecEndpoint } from './endpoint';
export { openHistory } from './open-history';
export { newReader, type Readers, readReaders } from './readers';
