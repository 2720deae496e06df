// Shows how far the suite is: on a terminal in one line, elsewhere in a line for every 25 cases.

const EVERY = 25;

/** Returns what is called for each case that begins. */
export function progress(output = process.stdout) {
  return (id, done, total) => {
    const text = `  [${String(done).padStart(String(total).length)}/${total}] case ${id}`;
    if (output.isTTY) output.write(`\r${text.padEnd(40)}${done === total ? '\n' : ''}`);
    else if (done % EVERY === 0 || done === total) output.write(`${text}\n`);
  };
}
