import { z } from 'zod';
import type { LoadedBundle, ToolMapping } from '../policy';
import { definitionsIn } from './definitions';
import type { ToolCall, ToolGate } from './tool-gate';

/** What clients may say to a server without the gate: nothing of it acts. */
const PASSED = [
  /^initialize$/,
  /^ping$/,
  /^notifications\/[\w/]+$/,
  /^(tools|prompts)\/list$/,
  /^prompts\/get$/,
  /^resources\/(list|read|subscribe|unsubscribe|templates\/list)$/,
  /^completion\/complete$/,
  /^logging\/setLevel$/,
];

/** Returns true if the gate passes on what is said by this method. Calls of tools are decided instead. */
export const isPassed = (method: string): boolean => PASSED.some((one) => one.test(method));

const callSchema = z.looseObject({
  name: z.string().min(1).max(512),
  arguments: z.record(z.string(), z.unknown()).default({}),
  _meta: z.looseObject({ 'io.countersign/nonce': z.string().max(256).exactOptional() }).exactOptional(),
});
const listSchema = z.looseObject({ tools: z.array(z.looseObject({ name: z.string() })) });

/** Returns the call that a client makes with these parameters, without its nonce, which the server does not know. */
export function toolCallIn(params: unknown, mappingOf: (tool: string) => ToolMapping | undefined) {
  const read = callSchema.safeParse(params);
  if (!read.success) return undefined;
  const { name, arguments: given, _meta } = read.data;
  const member = mappingOf(name)?.nonce;
  const inMeta = _meta?.['io.countersign/nonce'];
  if (member === undefined || !Object.hasOwn(given, member))
    return { name, arguments: given, ...(inMeta !== undefined && { nonce: inMeta }) } satisfies ToolCall;
  const { [member]: nonce, ...rest } = given;
  return { name, arguments: rest, nonce: JSON.stringify(nonce) } satisfies ToolCall;
}

export interface Offering {
  readonly server: string;
  readonly bundle: LoadedBundle;
  readonly gate: Pick<ToolGate, 'stateOf'>;
  readonly observe: boolean;
}

/** Returns a server's list of tools without those that cannot be called, or undefined if it is no list of tools. */
export function offeredOf(result: unknown, { server, bundle, gate, observe }: Offering) {
  const list = listSchema.safeParse(result);
  if (!list.success) return undefined;
  const definitions = definitionsIn(list.data.tools);
  const tools = list.data.tools.flatMap((tool) => {
    const mapping = bundle.context.catalog.tool(server, tool.name);
    if (mapping === undefined) return observe ? [tool] : [];
    if (!gate.stateOf(bundle, tool.name, definitions.get(tool.name)).ok) return [];
    return [mapping.nonce === undefined ? tool : withNonce(tool, mapping.nonce)];
  });
  return { ...list.data, tools };
}

const schemaWithProperties = z.looseObject({ properties: z.record(z.string(), z.unknown()).default({}) });

/** Adds the nonce to the input of a tool. */
function withNonce(tool: Readonly<Record<string, unknown>>, name: string) {
  const schema = schemaWithProperties.safeParse(tool['inputSchema']);
  if (!schema.success) return tool;
  const nonce = {
    type: 'string',
    description:
      'Leave it out. Only to repeat exactly the same call on purpose, give a text that you have not used.',
  };
  const properties = { ...schema.data.properties, [name]: nonce };
  return { ...tool, inputSchema: { ...schema.data, properties } };
}
