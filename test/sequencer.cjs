const { default: Sequencer } = require('@jest/test-sequencer');

/** The longest first: else it begins last where nothing is known of earlier runs, and the other worker has nothing left to do. */
module.exports = class extends Sequencer {
  sort(tests) {
    const isLongest = ({ path }) => path.includes('schemathesis');
    const sorted = super.sort(tests);
    return [...sorted.filter(isLongest), ...sorted.filter((test) => !isLongest(test))];
  }
};
