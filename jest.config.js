const { availableParallelism } = require('node:os');

/** Compiles one kind of source. JSX is a kind of its own: in it, `<T>` begins an element and not a type parameter. */
const swc = (jsc) => ['@swc/jest', { jsc: { target: 'es2022', ...jsc }, module: { type: 'commonjs' } }];

/** Jest runs in child processes (its default): the Temporal SDK's native module does not survive worker threads. */
const transform = {
  '^.+\\.tsx$': swc({
    parser: { syntax: 'typescript', tsx: true },
    transform: { react: { runtime: 'automatic', importSource: 'hono/jsx' } },
  }),
  '^.+\\.(t|j|mj)s$': swc({ parser: { syntax: 'typescript' } }),
};

/** Layers of tests. What a layer needs (Temporal, PostgreSQL) its set-up installs or builds, and announces. */
const project = (displayName, extra = {}) => ({
  displayName,
  testEnvironment: 'node',
  // Stryker works on copies of the project there.
  modulePathIgnorePatterns: ['<rootDir>/.stryker'],
  testMatch: [`<rootDir>/test/${displayName}/**/*.test.ts`],
  transform,
  // What is loaded only when wanted is imported under the name it has once built.
  moduleNameMapper: { '^(\\.\\.?/.+)\\.js$': '$1' },
  transformIgnorePatterns: ['/node_modules/(?!(jose|@noble|openid-client|oauth4webapi|ical\\.js)/)'],
  ...extra,
});

/** Packages that are only there as ES modules. */
const MODULES = ['jose', '@noble', '@kubernetes/client-node', 'openid-client', 'oauth4webapi'];
/** For tests that use the library of any kind of target. */
const anyModule = { transformIgnorePatterns: [`/node_modules/(?!(${MODULES.join('|')})/)`] };

/** Tests that take longest, below test/. They run with the slow suite, so that `npm test` stays under six minutes. */
const LONG = [
  'integration/adapters/frameworks',
  'integration/adapters/same-mapping',
  'integration/channels/notifications',
  'integration/connectors/back-to-back',
  'integration/connectors/foreign-names',
  'integration/connectors/left-behind-is-told',
  'integration/directory/attacks-on-sources',
  'integration/directory/keycloak-source',
  'integration/directory/leavers',
  'integration/directory/leavers-in-flight',
  'integration/directory/on-call',
  'integration/gate/attacks',
  'integration/gate/gate',
  'integration/gate/http',
  'integration/gate/kills',
  'integration/gate/thousand-calls',
  'integration/gateway/adversary',
  'integration/gateway/github',
  'integration/gateway/stories',
  'integration/init/first-grant',
  'integration/ledger/lost-stores',
  'integration/mcp/http',
  'integration/package/readme',
  'integration/request/arrivals-while-working',
  'integration/request/changes-in-flight',
  'integration/request/continue-as-new',
  'integration/request/gone-workflows',
  'integration/request/later-start',
  'integration/request/lost-and-forged-answers',
  'integration/request/made-up-places',
  'integration/request/made-up-requests',
  'integration/request/past-requests-reviews-reroutes',
  'integration/request/ticket-system',
  'integration/request/workflow-replay',
  'integration/stack/up',
  'integration/telemetry/telemetry',
  'integration/tickets/ticket-systems',
  'integration/web/friction',
  'integration/web/gone-requests',
  'integration/web/many-requests',
  'integration/web/thousand-requests',
  'unit/friction/figures',
  'unit/friction/held-in-memory',
];
const longOf = (layer) =>
  LONG.filter((name) => name.startsWith(`${layer}/`)).map((name) => `/test/${name}\\.test\\.ts$`);

// Most tests wait for servers rather than work, so more of them run at a time than there are cores.
const maxWorkers = availableParallelism() + 1;

module.exports = {
  maxWorkers,
  testSequencer: '<rootDir>/test/support/sequencer.js',
  projects: [
    project('unit', { testPathIgnorePatterns: ['/node_modules/', ...longOf('unit')] }),
    project('workflow', { globalSetup: '<rootDir>/test/support/global-setup.ts' }),
    project('integration', {
      globalSetup: '<rootDir>/test/support/setup/integration.ts',
      testPathIgnorePatterns: ['/node_modules/', ...longOf('integration')],
    }),
    project('long', {
      globalSetup: '<rootDir>/test/support/setup/long.ts',
      testMatch: LONG.map((name) => `<rootDir>/test/${name}.test.ts`),
    }),
    project('replay'),
    project('cli', { globalSetup: '<rootDir>/test/support/global-setup.ts' }),
    project('audit', { globalSetup: '<rootDir>/test/support/setup/audit.ts' }),
    // Suites, clients and checkers that others wrote. What they need is installed into the cache on first use.
    project('foreign', { globalSetup: '<rootDir>/test/support/setup/foreign.ts' }),
    // Kinds of connectors on targets that take long to build or to start.
    project('targets', { globalSetup: '<rootDir>/test/support/setup/targets.ts', ...anyModule }),
    // Pages in a real Chromium.
    project('browser', { globalSetup: '<rootDir>/test/support/setup/browser.ts' }),
    project('faults', { globalSetup: '<rootDir>/test/support/setup/faults.ts', ...anyModule }),
  ],
  testTimeout: 60_000,
};
