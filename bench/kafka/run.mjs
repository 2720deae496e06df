// The rows of Kafka, all rounds.
import { playRounds } from '../lib/rounds.mjs';
import { CLIENTS } from './contestants.mjs';
import { promises, summarise, table } from './report.mjs';
import { missing, Series } from './series.mjs';

export const missingForKafka = missing;

export async function measureKafka(rows, options, say) {
  const chosen = CLIENTS.filter(({ id }) => options.contestants.includes(id));
  const clients = chosen.filter((one) => one.isInstalled());
  for (const { title, how } of chosen.filter((one) => !one.isInstalled())) {
    say(`left out, not installed: ${title} (${how})`);
  }
  const series = await Series.open(options);
  try {
    const measurements = await playRounds({
      rows,
      rounds: options.rounds,
      contestantsOf: () => clients,
      measure: (row, client) => series.measure(row, client),
      brief,
      say,
    });
    const results = rows.map((row) => resultOf(row, clients, measurements));
    return { results, tables: [table(results, clients)], promises: promises(results) };
  } finally {
    await series.close();
  }
}

function resultOf({ id, field, title, latency = false, target }, clients, measurements) {
  const summaries = clients.map((client) => [
    client.id,
    summarise(measurements.get(`${id} ${client.id}`)),
  ]);
  return { id, field, title, latency, target, contestants: Object.fromEntries(summaries) };
}

function brief(_, { error, cpuS, units, wallMs, delayP99Ms, rssMiB }) {
  if (error) return `failed: ${error}`;
  const rate = `${Math.round(units / wallMs)} k/s`;
  return `${cpuS.toFixed(2)} s/M, ${rate}, delay ${delayP99Ms.toFixed(1)} ms, ${Math.round(rssMiB)} MiB`;
}
