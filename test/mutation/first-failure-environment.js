const { TestEnvironment } = require('jest-environment-node');

/** Skips what is left once a test has failed: a mutant that is dead need not be killed again. */
module.exports = class FirstFailureEnvironment extends TestEnvironment {
  #failed = false;

  async handleTestEvent(event) {
    if (event.name === 'test_fn_failure' || event.name === 'hook_failure') this.#failed = true;
    if (event.name === 'test_start' && this.#failed) event.test.mode = 'skip';
  }
};
