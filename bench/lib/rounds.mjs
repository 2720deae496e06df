// The rounds of a series.

/**
 * Measures every row once for every contestant, and then all again. The order of the contestants rotates, so that
 * none is always first.
 * @returns {Promise<Map<string, object[]>>} the measurements, by `row contestant`
 */
export async function playRounds({ rows, rounds, contestantsOf, measure, brief, say }) {
  const measurements = new Map();
  const perRow = rows.map((row) => contestantsOf(row).length);
  const total = rounds * perRow.reduce((sum, count) => sum + count, 0);
  let done = 0;
  for (let round = 0; round < rounds; round += 1) {
    for (const row of rows) {
      const contestants = contestantsOf(row);
      for (let turn = 0; turn < contestants.length; turn += 1) {
        const contestant = contestants[(turn + round) % contestants.length];
        const measurement = await measure(row, contestant);
        const key = `${row.id} ${contestant.id}`;
        measurements.set(key, [...(measurements.get(key) ?? []), measurement]);
        done += 1;
        say(`[${done}/${total}] ${key}: ${brief(row, measurement)}`);
      }
    }
  }
  return measurements;
}
