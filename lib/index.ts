/**
 * Realtime messaging for Node services: a WebSocket server with users, rooms and topics, and Kafka by kafkajs's
 * API.
 *
 * @packageDocumentation
 */
export * from './kafka/index.js';
export type { WebSocketManagerEvents } from './events.js';
export { EmbeddedKafka } from './kafka/embedded.js';
export type { EmbeddedKafkaConfig, EmbeddedTopic } from './kafka/embedded.js';
export type { WebSocketJwt, WebSocketJwtAlgorithm, WebSocketRemoteKeySet } from './jwt.js';
export { WebSocketManager } from './manager.js';
export type { ProcessStats } from './process-stats.js';
export type {
  OriginRule,
  WebSocketAccess,
  WebSocketClientCertificate,
  WebSocketConfig,
  WebSocketConnection,
  WebSocketError,
  WebSocketIdentity,
  WebSocketLimits,
  WebSocketLogger,
  WebSocketLogin,
  WebSocketMessage,
  WebSocketPatterns,
  WebSocketRequest,
  WebSocketSocket,
  WebSocketStats,
  WebSocketTls,
  WebSocketTokenSource,
  WebSocketWarning,
} from './types.js';
