/** Shows people who wait one line of progress. */
export type Announce = (line: string) => void;

/** Writes progress to stderr. */
export const toStderr: Announce = (line) => {
  process.stderr.write(`countersign: ${line}\n`);
};

const EVERY_MS = 5_000;

/** Runs long work, and every five seconds announces how long it has taken so far. */
export async function announced<T>(announce: Announce, what: string, work: () => Promise<T>): Promise<T> {
  const since = Date.now();
  announce(`${what} …`);
  const timer = setInterval(
    () => announce(`${what} … ${Math.round((Date.now() - since) / 1000)} s`),
    EVERY_MS,
  );
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}
