// Mocha's spec reporter, and the counts for build/test.mjs in the file that MOCHA_RESULT names. A pending test is a
// failure: what cannot be tested here must fail or not be there.
const { writeFileSync } = require('node:fs');
const { reporters } = require('mocha');

module.exports = class extends reporters.Spec {
  done(failures, finish) {
    const { passes, pending } = this.stats;
    if (pending > 0) process.stdout.write(`${pending} tests did not run: that counts as failed.\n`);
    writeFileSync(process.env.MOCHA_RESULT, JSON.stringify({ passes, failures: failures + pending }));
    finish(failures + pending);
  }
};
