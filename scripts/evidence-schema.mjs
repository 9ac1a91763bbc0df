// Writes the published JSON Schema of evidence from the schema that reads it. Run `npm run build` first.
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const { evidenceJsonSchema } = createRequire(import.meta.url)(
  path.join(root, 'dist/src/audit/evidence/schema.js'),
);
const file = path.join(root, 'docs/schemas/evidence-v1.schema.json');
writeFileSync(file, `${JSON.stringify(evidenceJsonSchema(), null, 2)}\n`);
process.stdout.write(`${file}\n`);
