// The entry of the package, which is compiled to dist/.

// Node finds the names of a CommonJS module by reading it: so `import` by name links also in a clone that
// was not built, and meets the error below.
exports.AclOperationTypes = undefined;
exports.AclPermissionTypes = undefined;
exports.AclResourceTypes = undefined;
exports.AssignerProtocol = undefined;
exports.CompressionCodecs = undefined;
exports.CompressionTypes = undefined;
exports.ConfigResourceTypes = undefined;
exports.ConfigSource = undefined;
exports.EmbeddedKafka = undefined;
exports.Kafka = undefined;
exports.KafkaClient = undefined;
exports.KafkaJSAggregateError = undefined;
exports.KafkaJSAlterPartitionReassignmentsError = undefined;
exports.KafkaJSBrokerNotFound = undefined;
exports.KafkaJSConnectionClosedError = undefined;
exports.KafkaJSConnectionError = undefined;
exports.KafkaJSCreateTopicError = undefined;
exports.KafkaJSDeleteGroupsError = undefined;
exports.KafkaJSDeleteTopicRecordsError = undefined;
exports.KafkaJSError = undefined;
exports.KafkaJSFetcherRebalanceError = undefined;
exports.KafkaJSGroupCoordinatorNotFound = undefined;
exports.KafkaJSInvalidLongError = undefined;
exports.KafkaJSInvalidVarIntError = undefined;
exports.KafkaJSInvariantViolation = undefined;
exports.KafkaJSLockTimeout = undefined;
exports.KafkaJSMemberIdRequired = undefined;
exports.KafkaJSMetadataNotLoaded = undefined;
exports.KafkaJSNoBrokerAvailableError = undefined;
exports.KafkaJSNonRetriableError = undefined;
exports.KafkaJSNotImplemented = undefined;
exports.KafkaJSNumberOfRetriesExceeded = undefined;
exports.KafkaJSOffsetOutOfRange = undefined;
exports.KafkaJSPartialMessageError = undefined;
exports.KafkaJSProtocolError = undefined;
exports.KafkaJSQueueFullError = undefined;
exports.KafkaJSRequestTimeoutError = undefined;
exports.KafkaJSSASLAuthenticationError = undefined;
exports.KafkaJSServerDoesNotSupportApiKey = undefined;
exports.KafkaJSStaleTopicMetadataAssignment = undefined;
exports.KafkaJSTimeout = undefined;
exports.KafkaJSTopicMetadataNotLoaded = undefined;
exports.KafkaJSUnsupportedMagicByteInMessageSet = undefined;
exports.PartitionAssigners = undefined;
exports.Partitioners = undefined;
exports.ResourcePatternTypes = undefined;
exports.WebSocketManager = undefined;
exports.logLevel = undefined;
try {
  module.exports = require('./dist/index.js');
} catch (thrown) {
  throw require('./not-built.js')(thrown, 'index.js');
}
