import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { z } from 'zod';
import { goProgram } from './go-program';

const SOURCE = path.join(__dirname, 'tlog-check');
const PURPOSE = 'the independent checker of the log (golang.org/x/mod v0.28.0)';

export interface TlogQuestion {
  readonly Dir: string;
  readonly VerifierKey: string;
  readonly Inclusions?: readonly { Index: number; Record: string; Proof: readonly string[] }[];
  readonly Consistencies?: readonly { Size: number; Root: string; Proof: readonly string[] }[];
  readonly Prove?: readonly number[];
  readonly ProveSince?: readonly number[];
}

const texts = z
  .array(z.string())
  .nullable()
  .transform((list) => list ?? []);
const proofs = z
  .array(texts)
  .nullable()
  .transform((list) => list ?? []);
const answerSchema = z.object({
  Size: z.number(),
  Root: z.string(),
  Inclusions: texts,
  Consistencies: texts,
  Proofs: proofs,
  SinceProofs: proofs,
  SinceRoots: texts,
  Note: z.string(),
  NoteKey: z.string(),
});

/** Returns the path of the checker, which is built once into the cache. */
export const tlogChecker = (): string => goProgram(SOURCE, PURPOSE);

/** Checks a log with Go's own checksum-database packages. Throws if they reject the log. */
export function askGo(question: TlogQuestion): z.infer<typeof answerSchema> {
  const output = execFileSync(tlogChecker(), {
    input: JSON.stringify(question),
    encoding: 'utf8',
  });
  return answerSchema.parse(JSON.parse(output));
}
