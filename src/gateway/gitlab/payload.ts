import { z } from 'zod';

const id = z.int().positive().max(Number.MAX_SAFE_INTEGER);

/** A branch as git allows it: without white space, control characters or any of `~^:?*[\\`. */
const branch = z
  .string()
  .max(255)
  .regex(/^[^\s\p{C}~^:?*[\\]+$/u, 'is not a branch');

/** What is read of a message of an external status check. GitLab sends more, which decides nothing. */
export const checkMessageSchema = z.object({
  object_kind: z.literal('merge_request'),
  project: z.object({ id, path_with_namespace: z.string().max(500) }),
  object_attributes: z.object({
    iid: id,
    target_project_id: id,
    target_branch: branch,
    state: z.string().max(64),
    last_commit: z.object({ id: z.string().regex(/^[0-9a-f]{40}([0-9a-f]{24})?$/, 'is not a commit') }),
  }),
  external_approval_rule: z.object({ id }),
});
export type CheckMessage = z.output<typeof checkMessageSchema>;
