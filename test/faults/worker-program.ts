/** A program that runs as worker in place of the product's own. */
export interface WorkerProgram {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}
