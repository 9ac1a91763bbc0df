import type { ToolChange } from './definitions';

/** A tool of a server that is not the pinned one. */
export interface ChangedTool extends ToolChange {
  readonly server: string;
  readonly tool: string;
}

/** Changes that are remembered as told. A server that changes its tools more often is told of again. */
const MOST_TOLD = 1_000;
/** How long a report that failed is not tried again, so that an agent which calls and calls uses up none of the gate's quota. */
const AGAIN_AFTER_MS = 60_000;

/** Tells governance of tools that differ from their pins, once for each definition. A tool is held whether or not that works. */
export class ChangedTools {
  /** From when a change may be told, by its name. */
  readonly #tellFromMs = new Map<string, number>();

  constructor(
    private readonly report: (changed: ChangedTool) => Promise<void>,
    private readonly nowMs: () => number = Date.now,
  ) {}

  /** Never throws. What could not be told is tried again when the tool is seen after a minute. */
  tell(changed: ChangedTool): void {
    const name = `${changed.server} ${changed.tool} ${changed.given}`;
    if ((this.#tellFromMs.get(name) ?? 0) > this.nowMs()) return;
    if (this.#tellFromMs.size >= MOST_TOLD) this.#tellFromMs.clear();
    this.#tellFromMs.set(name, Number.POSITIVE_INFINITY);
    void this.report(changed).catch(() => this.#tellFromMs.set(name, this.nowMs() + AGAIN_AFTER_MS));
  }
}
