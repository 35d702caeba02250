// Loaded into a process of a test by `NODE_OPTIONS=--require`: its clock of the day is ahead of the machine's by as many ms as
// the file FAKE_CLOCK says, now and then.
const { readFileSync } = require('node:fs');

const RealDate = Date;
const read = () => Number(readFileSync(process.env.FAKE_CLOCK, 'utf8')) || 0;
let aheadMs = read();
setInterval(() => (aheadMs = read()), 100).unref();

globalThis.Date = class Date extends RealDate {
  constructor(...given) {
    if (given.length > 0) super(...given);
    else super(RealDate.now() + aheadMs);
  }

  static now() {
    return RealDate.now() + aheadMs;
  }
};
