// The entry of the package, which is compiled to dist/.

// Node finds the names of a CommonJS module by reading it: so `import` by name links also in a clone that
// was not built, and meets the error below.
exports.EmbeddedKafka = undefined;
exports.WebSocketManager = undefined;
try {
  module.exports = require('./dist/index.js');
} catch (thrown) {
  throw require('./not-built.js')(thrown, 'index.js');
}
