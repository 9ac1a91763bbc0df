import { z } from 'zod';
import { foreignName, identifier } from '../../contracts/request';
import { type Decoded, YamlFile } from '../../directory/yaml-file';
import { digestOf } from '../../domain/digest';
import type { BundleFiles } from './bundle-folder';

/** The file of a bundle with the definitions of tools as somebody has looked at them. `countersign gate pin` writes it. */
export const PINS_FILE = 'pins.yaml';

/** The members of a tool's definition that a model or a person decides by. */
const definitionSchema = z.object({
  name: z.string(),
  title: z.string().exactOptional(),
  description: z.string().exactOptional(),
  inputSchema: z.record(z.string(), z.json()),
  outputSchema: z.record(z.string(), z.json()).exactOptional(),
  annotations: z.record(z.string(), z.json()).exactOptional(),
});
export type ToolDefinition = z.output<typeof definitionSchema>;

export const pinsSchema = z.record(identifier, z.record(foreignName, z.strictObject(definitionSchema.shape)));
/** Pinned definitions, by server and tool. */
export type ToolPins = z.output<typeof pinsSchema>;

/** Returns what of a tool's definition is pinned, or undefined if it is no definition of a tool. */
export const definitionIn = (tool: unknown): ToolDefinition | undefined =>
  definitionSchema.safeParse(tool).data;

/** Each definition is compared at every call of its tool, and no definition changes once it is read. */
const digests = new WeakMap<ToolDefinition, string>();

/** Returns the digest by which a definition is the one that was pinned. */
export function definitionDigest(definition: ToolDefinition): string {
  const digest = digests.get(definition) ?? digestOf(definition);
  digests.set(definition, digest);
  return digest;
}

/** Reads the pins of a bundle. A bundle without the file has none. */
export function readToolPins(files: BundleFiles): Decoded<ToolPins> & { readonly file: YamlFile } {
  const file = new YamlFile(PINS_FILE, files.get(PINS_FILE) ?? '{}');
  return { ...file.decode(pinsSchema), file };
}
