/**
 * kafkajs's enumerations.
 *
 * The compiler takes two enumerations of the same name and members for one another's, so these are assignable
 * to kafkajs's. At run time kafkajs's are plain objects without the way back from number to name, which code
 * that walks over `Object.values()` would see: so it is removed here too.
 */
import { KafkaJSNotImplemented } from './errors.js';

/** How much is logged: everything up to this level. */
export enum logLevel {
  NOTHING = 0,
  ERROR = 1,
  WARN = 2,
  INFO = 4,
  DEBUG = 5,
}

/** How messages are compressed on their way. All of them are built in. */
export enum CompressionTypes {
  None = 0,
  GZIP = 1,
  Snappy = 2,
  LZ4 = 3,
  ZSTD = 4,
}

/** What a setting belongs to. */
export enum ConfigResourceTypes {
  UNKNOWN = 0,
  TOPIC = 2,
  BROKER = 4,
  BROKER_LOGGER = 8,
}

/** Where the value of a setting comes from. */
export enum ConfigSource {
  UNKNOWN = 0,
  TOPIC_CONFIG = 1,
  DYNAMIC_BROKER_CONFIG = 2,
  DYNAMIC_DEFAULT_BROKER_CONFIG = 3,
  STATIC_BROKER_CONFIG = 4,
  DEFAULT_CONFIG = 5,
  DYNAMIC_BROKER_LOGGER_CONFIG = 6,
}

/** What a permission is about. */
export enum AclResourceTypes {
  UNKNOWN = 0,
  ANY = 1,
  TOPIC = 2,
  GROUP = 3,
  CLUSTER = 4,
  TRANSACTIONAL_ID = 5,
  DELEGATION_TOKEN = 6,
}

/** What a permission allows or denies. */
export enum AclOperationTypes {
  UNKNOWN = 0,
  ANY = 1,
  ALL = 2,
  READ = 3,
  WRITE = 4,
  CREATE = 5,
  DELETE = 6,
  ALTER = 7,
  DESCRIBE = 8,
  CLUSTER_ACTION = 9,
  DESCRIBE_CONFIGS = 10,
  ALTER_CONFIGS = 11,
  IDEMPOTENT_WRITE = 12,
}

/** Whether a permission allows or denies. */
export enum AclPermissionTypes {
  UNKNOWN = 0,
  ANY = 1,
  DENY = 2,
  ALLOW = 3,
}

/** How the name of a permission's resource is meant. */
export enum ResourcePatternTypes {
  UNKNOWN = 0,
  ANY = 1,
  MATCH = 2,
  LITERAL = 3,
  PREFIXED = 4,
}

for (const enumeration of [
  logLevel,
  CompressionTypes,
  ConfigResourceTypes,
  ConfigSource,
  AclResourceTypes,
  AclOperationTypes,
  AclPermissionTypes,
  ResourcePatternTypes,
]) {
  for (const key of Object.keys(enumeration)) {
    if (/^\d+$/.test(key)) delete (enumeration as Record<string, unknown>)[key];
  }
}

/**
 * Where kafkajs takes its codecs from. Here gzip, Snappy, LZ4 and Zstandard are built into the engine: a codec
 * may be set, so that code that does it still runs, and is not used.
 */
export const CompressionCodecs: {
  [Type in Exclude<CompressionTypes, CompressionTypes.None>]: () => unknown;
} = {
  [CompressionTypes.GZIP]: builtIn('GZIP'),
  [CompressionTypes.Snappy]: builtIn('Snappy'),
  [CompressionTypes.LZ4]: builtIn('LZ4'),
  [CompressionTypes.ZSTD]: builtIn('ZSTD'),
};

function builtIn(name: string): () => never {
  return () => {
    throw new KafkaJSNotImplemented(
      `${name} compression is built into the engine and cannot be called from JavaScript`,
    );
  };
}
