import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { toStderr } from '../../src/stack/announce';
import { cacheDir } from '../../src/stack/cache';

const SOURCE = path.join(__dirname, 'tlog-check');

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

/** Asks Go's own packages for checksum databases about a log. Throws where they do not accept the log itself. */
export function askGo(question: TlogQuestion): z.infer<typeof answerSchema> {
  const output = execFileSync(program(), { input: JSON.stringify(question), encoding: 'utf8' });
  return answerSchema.parse(JSON.parse(output));
}

/** The program, built once into the cache. */
function program(): string {
  const source = createHash('sha256').update(readFileSync(path.join(SOURCE, 'main.go')));
  const file = path.join(cacheDir(), `tlog-check-${source.digest('hex').slice(0, 16)}`);
  if (existsSync(file)) return file;
  toStderr('building the independent checker of the log with Go (golang.org/x/mod v0.28.0)');
  mkdirSync(path.dirname(file), { recursive: true });
  const draft = `${file}.${process.pid}`;
  execFileSync('go', ['build', '-o', draft, '.'], { cwd: SOURCE, stdio: 'inherit' });
  renameSync(draft, file);
  return file;
}
