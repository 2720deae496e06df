// The entry of the test kit, which is compiled to dist/. Its names are given as in index.js.
exports.connectClient = undefined;
exports.createTestKafka = undefined;
exports.createTestManager = undefined;
exports.flush = undefined;
try {
  module.exports = require('./dist/testing.js');
} catch (thrown) {
  throw require('./not-built.js')(thrown, 'testing.js');
}
