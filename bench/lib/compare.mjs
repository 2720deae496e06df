// For the programs that are apart from the rows: contestants take turns, and what is printed are medians.

/** Medians of rounds in which the contestants take turns, so that the machine's other work meets all alike. */
export async function compare(title, contestants, rounds, measure) {
  const figures = Object.fromEntries(contestants.map((name) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const name of contestants) figures[name].push(await measure(name));
  }
  console.log(title);
  const width = Math.max(...contestants.map((name) => name.length));
  for (const name of contestants) {
    const sorted = figures[name].toSorted((a, b) => a - b);
    const shown = sorted.map((figure) => figure.toFixed(2)).join(' ');
    console.log(
      `  ${name.padEnd(width)} ${sorted[Math.floor(rounds / 2)].toFixed(2)}   (${shown})`,
    );
  }
}
