import { z } from 'zod';
import { EVIDENCE_VERSION, evidenceFileSchema } from './schema';

/** The schema of evidence as it is published, for programs that are not ours. */
export function evidenceJsonSchema(): Readonly<Record<string, unknown>> {
  const { $schema, ...schema } = z.toJSONSchema(evidenceFileSchema, {
    target: 'draft-2020-12',
    io: 'input',
    reused: 'ref',
    // What only code can check, such as the form of a principal's id, is not in it.
    unrepresentable: 'any',
  });
  return {
    $schema,
    $id: `https://countersign.dev/schemas/evidence-v${EVIDENCE_VERSION}.schema.json`,
    title: 'Evidence of an access request',
    description: 'Docs: docs/evidence.md. A file is its own RFC 8785 canonical JSON, followed by a line end.',
    ...schema,
  };
}
