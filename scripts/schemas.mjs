// Writes the published JSON Schemas of the files that people write, and the reference made from them, from the schemas that
// read these files. Run `npm run build` first.
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const { jsonSchemaOf, schemaFileName, WRITTEN_FILES } = createRequire(import.meta.url)(
  path.join(root, 'dist/src/cli/schemas/file-schemas.js'),
);
const { bundleReference } = createRequire(import.meta.url)(
  path.join(root, 'dist/src/cli/schemas/reference.js'),
);
const written = [
  ...WRITTEN_FILES.map((one) => [
    `docs/schemas/${schemaFileName(one.name)}`,
    `${JSON.stringify(jsonSchemaOf(one), null, 2)}\n`,
  ]),
  ['docs/govern/bundle.md', bundleReference()],
];
for (const [file, text] of written) {
  writeFileSync(path.join(root, file), text);
  process.stdout.write(`${file}\n`);
}
