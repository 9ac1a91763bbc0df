import { z } from 'zod';
import type { GithubConfig } from './config';

const id = z.int().positive().max(Number.MAX_SAFE_INTEGER);

/** What is read of `deployment_protection_rule`, action `requested`. GitHub sends more, which decides nothing. */
export const ruleRequestedSchema = z.object({
  action: z.literal('requested'),
  environment: z.string().min(1).max(255),
  deployment_callback_url: z.string().max(2_000),
  deployment: z.object({
    id,
    sha: z.string().regex(/^[0-9a-f]{40}([0-9a-f]{24})?$/, 'is not a commit'),
    environment: z.string().min(1).max(255),
    created_at: z.iso.datetime({ offset: true }),
  }),
  repository: z.object({ id, full_name: z.string().max(200) }),
  installation: z.object({ id }),
});
export type RuleRequested = z.output<typeof ruleRequestedSchema>;

/**
 * Returns the run that a callback address is of. Returns undefined unless it is the address of GitHub's API for the repository,
 * letter by letter: what is sent there carries a token.
 */
export function runOfCallback(
  address: string,
  { apiUrl }: Pick<GithubConfig, 'apiUrl'>,
  repository: string,
): number | undefined {
  const before = `${apiUrl}/repos/${repository}/actions/runs/`;
  const after = '/deployment_protection_rule';
  if (!address.toLowerCase().startsWith(before.toLowerCase()) || !address.endsWith(after)) return undefined;
  const run = address.slice(before.length, -after.length);
  return /^[1-9]\d{0,15}$/.test(run) && Number.isSafeInteger(Number(run)) ? Number(run) : undefined;
}
