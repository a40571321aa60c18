// Reads its configuration from variables, or from a file when it starts and at SIGHUP, and says what it found.
'use strict';

const fs = require('fs');

function limit(path) {
  const value = path
    ? JSON.parse(fs.readFileSync(path, 'utf8')).orders.limits['max-open']
    : Number(process.env.ORDERS_LIMITS_MAX_OPEN);
  if (!(value > 0)) throw new RangeError(`max-open must be positive, found ${value}`);
  return value;
}

const say = (...words) => console.log('node', process.pid, ...words);

if (process.argv[2] === '--validate') {
  limit(process.argv[3]);
} else {
  process.on('SIGHUP', () => say('max-open', limit(process.argv[2])));
  process.on('SIGTERM', () => { say('leaves'); process.exit(0); });
  say('max-open', limit(process.argv[2]));
  setInterval(() => {}, 1 << 30);
}
