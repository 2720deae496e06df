// The error of a clone that was not built, which `index.js` and `testing.js` meet when dist/ is not there.

const { existsSync } = require('node:fs');
const { join } = require('node:path');

/** What to throw for `thrown`, the failure to load `dist/<file>`: itself if the file exists. */
module.exports = function explain(thrown, file) {
  if (existsSync(join(__dirname, 'dist', file))) return thrown;
  const message = `@libs/messaging is not built: run \`npm run build:release\` in ${__dirname}`;
  return Object.assign(new Error(message, { cause: thrown }), { code: 'ERR_NOT_BUILT' });
};
