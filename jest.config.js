const { availableParallelism } = require('node:os');

/** Jest runs in child processes (its default): the Temporal SDK's native module does not survive worker threads. */
const transform = {
  '^.+\\.(t|j|mj)s$': [
    '@swc/jest',
    { jsc: { parser: { syntax: 'typescript' }, target: 'es2022' }, module: { type: 'commonjs' } },
  ],
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
  moduleNameMapper: { '^(\\.\\./telemetry/.+)\\.js$': '$1' },
  transformIgnorePatterns: ['/node_modules/(?!(jose|@noble)/)'],
  ...extra,
});

// Most tests wait for servers rather than work, so two run at a time on two cores as well.
const maxWorkers = Math.max(2, availableParallelism() - 1);

module.exports = {
  maxWorkers,
  projects: [
    project('unit'),
    project('workflow', { globalSetup: '<rootDir>/test/support/global-setup.ts' }),
    project('integration', { globalSetup: '<rootDir>/test/support/global-setup.ts' }),
    project('replay'),
    project('faults', { globalSetup: '<rootDir>/test/support/global-setup.ts' }),
  ],
  testTimeout: 60_000,
};
