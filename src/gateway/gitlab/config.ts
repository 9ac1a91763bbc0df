import { z } from 'zod';
import { askedForSchema } from '../questions/asked-for';
import { webAddress } from '../web-address';

const gitlabId = z.int().positive().max(Number.MAX_SAFE_INTEGER);

/** One external status check of one project, and what a merge request asks for by it. */
const checkSchema = askedForSchema.extend({
  /** Path of the project with its groups, as people call it. */
  project: z
    .string()
    .max(500)
    .regex(/^[\w.-]+(\/[\w.-]+)+$/, 'is not of the form group/project'),
  /** What no other project ever has. */
  projectId: gitlabId,
  /** The number of the status check. */
  check: gitlabId,
  /** The shared secret of the check. Each check has its own, so that whoever knows one cannot ask in the name of another. */
  secretFile: z.string().min(1),
});
export type CheckRule = z.output<typeof checkSchema>;

/** `gitlab` in `gateway.yaml`: external status checks that this gateway answers. */
export const gitlabSchema = z
  .strictObject({
    /** The address of GitLab. Nothing is ever sent elsewhere. */
    url: webAddress
      .refine((url) => !/[?#@]/.test(url), 'must have no query, fragment or user')
      .transform((url) => url.replace(/\/+$/, '')),
    /** A token with the scope `api`, of an account that is a developer of each project. */
    tokenFile: z.string().min(1),
    checks: z.array(checkSchema).min(1).max(1_000),
  })
  .superRefine(({ checks }, context) => {
    for (const [index, { check }] of checks.entries())
      if (checks.findIndex((one) => one.check === check) < index)
        context.addIssue({ code: 'custom', path: ['checks', index, 'check'], message: 'is there twice' });
  });
export type GitlabConfig = z.output<typeof gitlabSchema>;
