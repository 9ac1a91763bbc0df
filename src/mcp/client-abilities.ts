import { CLIENT_CAPABILITIES_META_KEY, type ServerContext } from '@modelcontextprotocol/server';
import { z } from 'zod';

/** The Tasks extension of MCP 2026-07-28 (SEP-2663). */
export const TASKS = 'io.modelcontextprotocol/tasks';

/** What a client says that it can do, as far as it matters here. */
const abilitiesSchema = z.object({
  elicitation: z.object({ url: z.unknown() }).partial().optional(),
  extensions: z.record(z.string(), z.unknown()).optional(),
});
const envelopeSchema = z.object({ [CLIENT_CAPABILITIES_META_KEY]: abilitiesSchema });

export interface Abilities {
  /** It can follow a request as a task. */
  readonly tasks: boolean;
  /** It can show its user an address. */
  readonly urls: boolean;
}

/** Reads them from a call of the newer protocol, which names them each time. */
export const abilitiesInCall = ({ mcpReq }: ServerContext): Abilities =>
  abilitiesFrom(envelopeSchema.safeParse(mcpReq.envelope).data?.[CLIENT_CAPABILITIES_META_KEY]);

/** Reads them from what a client of the older protocol said when it connected. Its tasks were others, and are not served. */
export const abilitiesAtStart = (said: unknown): Abilities => ({
  ...abilitiesFrom(abilitiesSchema.safeParse(said).data),
  tasks: false,
});

const abilitiesFrom = (said: z.output<typeof abilitiesSchema> | undefined): Abilities => ({
  tasks: said?.extensions?.[TASKS] !== undefined,
  urls: said?.elicitation?.url !== undefined,
});
