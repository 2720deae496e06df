/**
 * The environment variables that configure `KafkaClient`. An empty one counts as unset.
 */
import type { KafkaConfig, SASLOptions } from './types.js';

/**
 * A configuration from the environment.
 *
 * | variable | default |
 * |---|---|
 * | `KAFKA_CLIENT_ID` | `neuro-backend` |
 * | `KAFKA_BROKERS`, separated by commas | `localhost:9092` |
 * | `KAFKA_SSL`, on when it is `true` | off |
 * | `KAFKA_SASL`, on unless it is `false` or `0` | off |
 * | `KAFKA_SASL_MECHANISM` | `plain` |
 * | `KAFKA_USERNAME`, `KAFKA_PASSWORD` | none; without them a login fails when it connects |
 */
export function kafkaConfigOf(environment: NodeJS.ProcessEnv): KafkaConfig {
  const of = (name: string): string | undefined => environment[name] || undefined;
  const sasl = of('KAFKA_SASL');
  return {
    clientId: of('KAFKA_CLIENT_ID') ?? 'neuro-backend',
    brokers: listOf(of('KAFKA_BROKERS') ?? 'localhost:9092'),
    ssl: of('KAFKA_SSL') === 'true',
    ...(sasl !== undefined &&
      !['false', '0'].includes(sasl) && {
        sasl: {
          mechanism: of('KAFKA_SASL_MECHANISM') ?? 'plain',
          username: of('KAFKA_USERNAME'),
          password: of('KAFKA_PASSWORD'),
        } as SASLOptions,
      }),
  };
}

function listOf(text: string): string[] {
  const entries = text.split(',').map((it) => it.trim());
  return entries.filter((it) => it !== '');
}
