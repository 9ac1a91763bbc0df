import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseDocument } from 'yaml';

/** The policy bundle of one test file, which a test may change under a running worker. */
export class BundleFolder {
  constructor(readonly dir: string) {}

  /** Replaces text in a file that must contain it. Returns a function that restores the file. */
  replace(file: string, text: string, replacement: string): () => void {
    return this.change(file, (before) => {
      if (!before.includes(text)) throw new Error(`${file} does not hold: ${text}`);
      return before.replace(text, replacement);
    });
  }

  /** Sets a member of a YAML file. Returns a function that restores the file. */
  set(file: string, where: readonly (string | number)[], value: unknown): () => void {
    return this.change(file, (before) => {
      const document = parseDocument(before);
      document.setIn(where, document.createNode(value));
      return document.toString({ lineWidth: 0 });
    });
  }

  /** Marks every key of a person as revoked. */
  revokeKeyOf(person: string): () => void {
    return this.set('directory.yaml', ['people', person, 'keys', 0, 'revoked'], true);
  }

  /** Changes a file's text. Returns a function that restores the file. */
  change(file: string, edit: (before: string) => string): () => void {
    const where = path.join(this.dir, file);
    const before = readFileSync(where, 'utf8');
    const after = edit(before);
    if (after === before) throw new Error(`nothing was changed in ${file}`);
    writeFileSync(where, after);
    return () => writeFileSync(where, before);
  }
}
