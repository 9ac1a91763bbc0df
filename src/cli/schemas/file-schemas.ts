import { z } from 'zod';
import { notifySchema } from '../../channels/notify-file';
import { formatDuration } from '../../contracts/duration';
import { directorySchema } from '../../directory/directory-file';
import { sourcesSchema } from '../../directory/sources/sources-file';
import { gatewayConfigSchema } from '../../gateway/config';
import { catalogSchema } from '../../policy/load/catalog-file';
import { pathsSchema } from '../../policy/load/paths-file';
import { pinsSchema } from '../../policy/load/tool-pins';
import { ticketFileSchema } from '../../policy/tickets/ticket-file';
import { testFileSchema } from '../../policy/tryout/bundle-tests';
import { configSchema } from '../config-file';
import { requestFileSchema } from '../request-file';

/** A file that people write, with the schema that reads it. */
export interface WrittenFile {
  /** Name of its published schema: `docs/schemas/<name>.schema.json`. */
  readonly name: string;
  /** What the file is called, and where it lies. */
  readonly file: string;
  readonly title: string;
  readonly schema: z.ZodType;
  /** True if it is part of a bundle. */
  readonly ofBundle: boolean;
}

/** Every YAML file that people write. Each has a published schema and its part of the reference. */
export const WRITTEN_FILES: readonly WrittenFile[] = [
  {
    name: 'directory',
    file: 'directory.yaml',
    title: 'People, identities, groups, roles and keys',
    schema: directorySchema,
    ofBundle: true,
  },
  {
    name: 'sources',
    file: 'sources.yaml',
    title: 'From where people and groups are taken beside directory.yaml (optional)',
    schema: sourcesSchema,
    ofBundle: true,
  },
  {
    name: 'catalog',
    file: 'catalog.yaml',
    title: 'Targets, what can be asked of them, and what is a control',
    schema: catalogSchema,
    ofBundle: true,
  },
  {
    name: 'paths',
    file: 'paths.yaml',
    title: 'Who approves, how long each stage waits, when governance may step in',
    schema: pathsSchema,
    ofBundle: true,
  },
  {
    name: 'tests',
    file: 'tests/*.yaml',
    title: 'What the bundle is meant to decide (countersign policy test)',
    schema: testFileSchema,
    ofBundle: true,
  },
  {
    name: 'pins',
    file: 'pins.yaml',
    title: 'Definitions of tools as somebody has looked at them (countersign gate pin)',
    schema: pinsSchema,
    ofBundle: true,
  },
  {
    name: 'request',
    file: 'request.yaml',
    title: 'A request, for countersign request submit',
    schema: requestFileSchema,
    ofBundle: false,
  },
  {
    name: 'tickets',
    file: 'tickets.yaml',
    title: 'Tickets that a reroute may name, or the ticket system that has them (COUNTERSIGN_TICKETS)',
    schema: ticketFileSchema,
    ofBundle: false,
  },
  {
    name: 'gateway',
    file: 'gateway.yaml',
    title: 'Settings of a gateway (countersign gateway --config)',
    schema: gatewayConfigSchema,
    ofBundle: false,
  },
  {
    name: 'notify',
    file: 'notify.yaml',
    title: 'How people are told (COUNTERSIGN_NOTIFY)',
    schema: notifySchema,
    ofBundle: false,
  },
  {
    name: 'config',
    file: 'config.yaml',
    title: 'Defaults of the command line, below ~/.config/countersign',
    schema: configSchema,
    ofBundle: false,
  },
];

/** A JSON Schema, as plain data. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/**
 * Returns the published JSON Schema of a file. Editors complete and check with it. It is draft 7, which every editor knows.
 * Rules that need code, such as that a group exists, are left out: `countersign policy check` has them.
 */
export function jsonSchemaOf({ name, file, title, schema }: WrittenFile): JsonSchema {
  const { $schema, ...rest } = z.toJSONSchema(schema, {
    target: 'draft-7',
    io: 'input',
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema }) => {
      // The default of a duration is what it decodes to, which the library leaves out.
      const value: unknown = zodSchema instanceof z.ZodDefault ? zodSchema.def.defaultValue : undefined;
      if (jsonSchema.type === 'string' && typeof value === 'number')
        jsonSchema.default = formatDuration(value);
    },
  });
  return {
    $schema,
    $id: `https://countersign.dev/schemas/${name}.schema.json`,
    title: `${file}: ${title}`,
    description: 'Docs: docs/govern/bundle.md',
    ...rest,
  };
}

/** Returns the name of the file of a published schema. */
export const schemaFileName = (name: string): string => `${name}.schema.json`;

/** Returns the line by which an editor finds the schema of a file. */
export const editorHeader = (folder: string, name: string): string =>
  `# yaml-language-server: $schema=${folder}/${schemaFileName(name)}\n`;
