/**
 * The engine behind the TypeScript layer, and which engine belongs to which public manager.
 */
export {
  Connection as NativeConnection,
  WebSocketManager as NativeManager,
} from '../native.js';

import type { NativeManager } from './native.js';
import type { WebSocketConfig } from './types.js';

/** What the test kit needs of a manager beyond its public methods. */
export interface Internals {
  readonly native: NativeManager;
  readonly config: WebSocketConfig;
}

/** Keyed by the public manager, which so carries nothing that users could come to depend on. */
export const internals = new WeakMap<object, Internals>();
