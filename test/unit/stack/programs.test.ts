import { gatewaySpec, workerSpec } from '../../../src/stack/stack-programs';

const PLACE = {
  stateDir: '/state',
  bundleDir: '/bundle',
  ticketsFile: '/tickets.yaml',
  temporalAddress: '127.0.0.1:7233',
  taskQueue: 'countersign',
  targetUrl: 'postgres://127.0.0.1:5432/target',
  databases: ['warehouse'],
  ownTargets: {},
};

afterEach(() => {
  delete process.env['COUNTERSIGN_CODEC_KEYS'];
});

test.each([
  ['worker', () => workerSpec(PLACE)],
  ['gateway', () => gatewaySpec({ ...PLACE, port: 8080 })],
])('TTA-6 the %s of a stack has the keys to what Temporal stores, where up was told of them', (_name, spec) => {
  expect(spec().env).not.toHaveProperty('COUNTERSIGN_CODEC_KEYS');
  process.env['COUNTERSIGN_CODEC_KEYS'] = '/keys/codec.json';
  expect(spec().env).toMatchObject({ COUNTERSIGN_CODEC_KEYS: '/keys/codec.json' });
});
