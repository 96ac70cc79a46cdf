// Mocha's spec reporter, and the counts for build/test.mjs in the file that MOCHA_RESULT names. A pending test is a
// failure: what cannot be tested here must fail or not be there. So is a run that does not end by itself.
const { writeFileSync } = require('node:fs');
const { reporters } = require('mocha');

/** What still runs so long after the last test was left behind by one. */
const GRACE_MILLISECONDS = 10_000;

module.exports = class extends reporters.Spec {
  done(failures, finish) {
    const { passes, pending } = this.stats;
    if (pending > 0) process.stdout.write(`${pending} tests did not run: that counts as failed.\n`);
    writeFileSync(process.env.MOCHA_RESULT, JSON.stringify({ passes, failures: failures + pending }));
    setTimeout(endWhatIsLeft, GRACE_MILLISECONDS).unref();
    finish(failures + pending);
  }
};

function endWhatIsLeft() {
  const kinds = [...new Set(process.getActiveResourcesInfo())].join(', ');
  process.stdout.write(`The tests left behind what keeps their process alive (${kinds}): that counts as failed.\n`);
  process.exit(1);
}
