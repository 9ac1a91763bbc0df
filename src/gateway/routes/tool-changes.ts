import { z } from '@hono/zod-openapi';
import { LIMITS } from '../../domain/limits';
import { readBody } from '../http/body';
import type { AddRoutes } from './adder';

const digest = z.string().regex(/^sha-256:[\w-]{43}$/);
const changeSchema = z
  .object({
    server: z.string().max(128),
    tool: z.string().max(LIMITS.foreignNameCharacters),
    pinned: digest,
    given: digest,
    /** Said by the server, in the end: shown as it is, and believed by nobody. */
    differences: z.array(z.string().max(1_000)).max(16),
  })
  .openapi('ToolChange');
const takenSchema = z.object({ taken: z.literal(true) }).openapi('ToolChangeTaken');

/** Adds the report of a gate that a tool is not the pinned one. */
export const addToolChanges: AddRoutes = (add, { toolChanges, bundles }) =>
  add(
    'post',
    '/v1/tool-changes',
    {
      limit: 'submission',
      summary: 'Report a tool that differs from its pin, as the gate that holds it',
      body: changeSchema,
      response: takenSchema,
    },
    async (c) => {
      const change = await readBody(c, changeSchema);
      toolChanges.report(c.get('caller').principal, change, await bundles.current());
      return c.json({ taken: true as const });
    },
  );
