// Apache Kafka as Maven Central has it: the broker's jars, fetched once and kept in the user's cache.

import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cached, cachePath } from '../cache.mjs';

export const KAFKA_VERSION = '4.4.0';

/** Where the jars are, or will be. */
export const JARS = cachePath(`kafka-${KAFKA_VERSION}`);

// Without a back end of SLF4J the broker says nothing, not even why it does not start.
const POM = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>libs.messaging</groupId>
  <artifactId>broker-of-the-tests</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId>
      <artifactId>kafka_2.13</artifactId>
      <version>${KAFKA_VERSION}</version>
    </dependency>
    <dependency>
      <groupId>org.slf4j</groupId>
      <artifactId>slf4j-simple</artifactId>
      <version>1.7.36</version>
    </dependency>
  </dependencies>
</project>
`;

const COPY = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies';

/** Whether a broker can start without Maven. */
export function haveJars() {
  return existsSync(JARS);
}

/** Fetches the jars (43 MB) if they are not there. */
export async function fetchJars() {
  await cached(JARS, async (folder) => {
    const pom = join(folder, 'pom.xml');
    await writeFile(pom, POM);
    const goal = [COPY, '-DincludeScope=runtime', `-DoutputDirectory=${folder}`];
    try {
      await promisify(execFile)('mvn', ['--quiet', '--batch-mode', '--file', pom, ...goal]);
    } catch ({ message, stdout }) {
      throw new Error(`Maven could not fetch Apache Kafka ${KAFKA_VERSION}: ${message}\n${stdout}`);
    }
    await rm(pom);
  });
}
