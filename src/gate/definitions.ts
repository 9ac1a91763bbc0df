import { hasInvisible } from '../domain/characters';
import { definitionDigest, definitionIn, type ToolDefinition, type ToolPins } from '../policy';

/** How a tool differs from its pin, for those who decide whether that is right. */
export interface ToolChange {
  /** Digests of the definitions. */
  readonly pinned: string;
  readonly given: string;
  /** One line for each member that differs. */
  readonly differences: readonly string[];
}

/** Whether a tool is the one that somebody has looked at. */
export type ToolState =
  | { readonly ok: true; readonly digest: string }
  | {
      readonly ok: false;
      readonly code: 'TOOL_CHANGED' | 'TOOL_NOT_PINNED' | 'TOOL_NOT_OFFERED';
      readonly why: string;
      readonly change?: ToolChange;
    };

/** Compares the definition that a server gives of a tool with the pinned one. */
export function stateOfTool(
  pins: ToolPins,
  server: string,
  tool: string,
  given: ToolDefinition | undefined,
): ToolState {
  const tools = Object.hasOwn(pins, server) ? pins[server] : undefined;
  const pin = tools !== undefined && Object.hasOwn(tools, tool) ? tools[tool] : undefined;
  if (given === undefined)
    return { ok: false, code: 'TOOL_NOT_OFFERED', why: `the server ${server} has no tool of this name` };
  if (pin === undefined)
    return {
      ok: false,
      code: 'TOOL_NOT_PINNED',
      why: 'nobody has looked at the definition of this tool yet: countersign gate pin',
    };
  const [digest, pinned] = [definitionDigest(given), definitionDigest(pin)];
  if (digest === pinned) return { ok: true, digest };
  const differences = differencesBetween(pin, given);
  return {
    ok: false,
    code: 'TOOL_CHANGED',
    why: `its definition is not the one that was looked at: ${differences.join('; ')}`,
    change: { pinned: pinned, given: digest, differences },
  };
}

/** The most differences, and characters of a value, that are shown. */
const SHOWN = 8;
const SHOWN_CHARACTERS = 160;

/** Says in words what is different, one line for each member. What cannot be seen is shown by its number. */
export function differencesBetween(before: ToolDefinition, after: ToolDefinition): readonly string[] {
  const [old, now] = [new Map(leavesOf(before, '')), new Map(leavesOf(after, ''))];
  const lines = [...new Set([...old.keys(), ...now.keys()])].sort().flatMap((name) => {
    const [a, b] = [old.get(name), now.get(name)];
    if (a === b) return [];
    if (a === undefined) return [`${name} is new: ${shown(b)}`];
    return [
      b === undefined ? `${name} is gone, it was ${shown(a)}` : `${name} was ${shown(a)}, is ${shown(b)}`,
    ];
  });
  return lines.length <= SHOWN ? lines : [...lines.slice(0, SHOWN), `and ${lines.length - SHOWN} more`];
}

function* leavesOf(value: unknown, name: string): Generator<[name: string, value: string]> {
  if (typeof value !== 'object' || value === null || Object.keys(value).length === 0)
    yield [shown(name), JSON.stringify(value) ?? ''];
  else
    for (const [member, inside] of Object.entries(value))
      yield* leavesOf(inside, name === '' ? member : `${name}.${member}`);
}

const shown = (value = ''): string => {
  const text = visible(value);
  return text.length <= SHOWN_CHARACTERS ? text : `${text.slice(0, SHOWN_CHARACTERS)}…`;
};

/** Returns the text with what nobody can see written as U+XXXX. */
export const visible = (text: string): string =>
  [...text]
    .map((one) =>
      hasInvisible(one) ? `U+${(one.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}` : one,
    )
    .join('');

/** Returns the definitions in a server's list of tools, by name. A name that is there twice is no tool at all. */
export function definitionsIn(tools: readonly unknown[]): ReadonlyMap<string, ToolDefinition> {
  const found = new Map<string, ToolDefinition>();
  const twice = new Set<string>();
  for (const tool of tools) {
    const definition = definitionIn(tool);
    if (definition === undefined) continue;
    if (found.has(definition.name)) twice.add(definition.name);
    found.set(definition.name, definition);
  }
  for (const name of twice) found.delete(name);
  return found;
}
