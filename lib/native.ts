/**
 * The engine behind the TypeScript layer, and which engine belongs to which public manager.
 */
import type * as Binding from '../native.js';
import { codedError } from './errors.js';
import type { WebSocketConfig } from './types.js';

const binding = loadBinding();

export const NativeEmbeddedKafka = binding.EmbeddedKafka;
export const NativeKafkaAdmin = binding.KafkaAdmin;
export type NativeKafkaAdmin = Binding.KafkaAdmin;
export const NativeManager = binding.WebSocketManager;
export const NativeConsumer = binding.KafkaConsumer;
export type NativeManager = Binding.WebSocketManager;
export const NativeProducer = binding.KafkaProducer;
export type NativeProducer = Binding.KafkaProducer;
export type NativeConnection = Binding.Connection;
export type NativeBridge = Binding.NativeBridge;
export type NativeLimits = Binding.NativeLimits;
export type NativeRequest = Binding.NativeRequest;

/** Whom a send goes to. The engine's boundary has the same numbers (`src/sender.rs`). */
export const Audience = { connection: 0, user: 1, room: 2, topic: 3, everybody: 4 } as const;

/** What the test kit needs of a manager beyond its public methods. */
export interface Internals {
  readonly native: NativeManager;
  readonly path: string;
  readonly protocol: NonNullable<WebSocketConfig['protocol']>;
  /** Whether its clients come over TLS. */
  isSecure(): boolean;
}

/** Keyed by the public manager, which so carries nothing that users could come to depend on. */
export const internals = new WeakMap<object, Internals>();

/**
 * The addon of this platform. The generated loader tries every name that it could have, and its own error
 * gives advice about npm that does not fit where no binary was ever installed.
 */
function loadBinding(): typeof Binding {
  try {
    return require('../native.js');
  } catch (cause) {
    const platform = `${process.platform} ${process.arch}`;
    const advice =
      'Install a package that was packed on this platform, or build it in a clone: npm run build:release';
    throw codedError(
      'ERR_NATIVE_MISSING',
      `the binary of @libs/messaging for ${platform} is missing or cannot be loaded. ${advice}`,
      cause,
    );
  }
}
