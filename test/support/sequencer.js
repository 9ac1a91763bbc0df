const Sequencer = require('@jest/test-sequencer').default;

/** What starts servers takes longest, and ends last if it starts last. */
const LONG = [
  '/test/audit/',
  '/test/browser/',
  '/test/cli/',
  '/test/faults/',
  '/test/integration/',
  '/test/replay/',
  '/test/workflow/',
];

/** Starts the long files first, so that at the end no worker waits for another. The rest is in Jest's order. */
module.exports = class extends Sequencer {
  sort(tests) {
    const rank = ({ path }) => {
      const at = LONG.findIndex((folder) => path.includes(folder));
      return at === -1 ? LONG.length : at;
    };
    return super.sort(tests).sort((a, b) => rank(a) - rank(b));
  }
};
