/** Takes one line for people who wait: what is being done, and for how long already. */
export type Announce = (line: string) => void;

export const toStderr: Announce = (line) => {
  process.stderr.write(`countersign: ${line}\n`);
};

const EVERY_MS = 5_000;

/** Announces long work while it goes on, with the seconds it has taken so far. */
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
