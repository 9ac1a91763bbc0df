import type { Logger } from '../contracts/logger';
import type { PrincipalId } from '../domain/principal';
import { definitionDigest, type LoadedBundle } from '../policy';
import { HttpProblem } from './http/problem';

/** A tool of an MCP server that is held, because its definition is not the one that somebody has looked at. */
export interface ToolChange {
  readonly server: string;
  readonly tool: string;
  /** Digests of the pinned definition, and of the one that the server gave. */
  readonly pinned: string;
  readonly given: string;
  readonly differences: readonly string[];
}

interface Reported extends ToolChange {
  readonly by: PrincipalId;
  readonly atMs: number;
}

/**
 * Changed tools that gates have reported since this gateway started. There is one for each mapped tool at most. A gate that starts
 * later reports again, so a restart loses nothing that still holds.
 */
export class ToolChanges {
  readonly #reported = new Map<string, Reported>();

  constructor(
    private readonly log: Logger,
    private readonly nowMs: () => number,
  ) {}

  /**
   * Takes a report. The gate that carries out a tool is the only one that can report it.
   *
   * @throws HttpProblem if the caller is somebody else, or the report is about another pin than the bundle's
   */
  report(by: PrincipalId, change: ToolChange, bundle: LoadedBundle): void {
    const { server, tool } = change;
    if (audienceOf(bundle, server, tool) !== by)
      throw new HttpProblem(403, 'only the identity that carries out this tool by the catalog can report it');
    if (pinOf(bundle, server, tool) !== change.pinned)
      throw new HttpProblem(409, 'the tool is pinned otherwise in the bundle of this gateway');
    const name = `${server} ${tool}`;
    const isNews = this.#reported.get(name)?.given !== change.given;
    this.#reported.set(name, { ...change, by, atMs: this.nowMs() });
    if (isNews)
      this.log.error(
        { ...change, by },
        'ALERT a tool differs from its pin and is held; look at it, then pin it or take it out of the catalog',
      );
  }

  /** Returns the tools that are held still: of which nobody has changed the pin since. */
  held(bundle: LoadedBundle): readonly Reported[] {
    return [...this.#reported.values()].filter(
      ({ server, tool, pinned }) => pinOf(bundle, server, tool) === pinned,
    );
  }
}

function audienceOf(
  { context: { catalog } }: LoadedBundle,
  server: string,
  tool: string,
): string | undefined {
  const mapping = catalog.tool(server, tool);
  if (mapping === undefined) return undefined;
  const [connector = '', resource = ''] = mapping.resource.split(/:(.*)/s);
  return catalog.entry({ connector, resource, action: mapping.action })?.grant['audience'];
}

function pinOf({ toolPins }: LoadedBundle, server: string, tool: string): string | undefined {
  const tools = Object.hasOwn(toolPins, server) ? toolPins[server] : undefined;
  const pin = tools !== undefined && Object.hasOwn(tools, tool) ? tools[tool] : undefined;
  return pin && definitionDigest(pin);
}
