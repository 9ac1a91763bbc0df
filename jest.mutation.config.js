/**
 * The tests that mutants of the core are tried on: the fast ones of src/domain, with few generated histories each and
 * always the same ones, so that a mutant is killed or not for a reason that can be read.
 */
process.env.PROPERTY_EFFORT = '0.01';
process.env.PROPERTY_SEED = '20260105';

const [unit] = require('./jest.config.js').projects;

module.exports = {
  ...unit,
  testMatch: ['<rootDir>/test/mutation/*.test.ts'],
  setupFiles: ['<rootDir>/test/support/property-seed.ts'],
  testEnvironment: '<rootDir>/test/mutation/first-failure-environment.js',
  testTimeout: 60_000,
};
