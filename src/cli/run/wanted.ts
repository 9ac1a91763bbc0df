import { randomUUID } from 'node:crypto';
import { describeIssues } from '../../contracts/problem';
import { newRequestSchema } from '../../contracts/request';
import { type AccessRequest, parseEntitlement } from '../../domain/request';
import { parseDurationMs } from '../duration';
import { usageError } from '../output';

/** The state of a request, as far as `run` needs it. */
export interface Seen {
  readonly status: string;
  /** `server`: all of this is only the word of the server. `derived`: a gateway derived it from signatures and policy. */
  readonly basis: 'server' | 'derived';
  /** Who is awaited, since when, and what happens next. */
  readonly waiting: string;
  /** What to print if it was not granted. */
  readonly about: readonly string[];
  /** Why it failed, in the words of the target. */
  readonly failure?: { readonly code: string; readonly detail: string } | undefined;
  readonly lease?: { readonly account: string; readonly expiresAtMs: number } | undefined;
  readonly ending?: string | undefined;
}

/** What is asked for. The backend knows who asks. */
export type Wanted = Omit<AccessRequest, 'requester' | 'beneficiary' | 'onBehalfOf' | 'submittedAtMs'>;

const wantedSchema = newRequestSchema.omit({
  requester: true,
  beneficiary: true,
  onBehalfOf: true,
  submittedAtMs: true,
});

/** Builds what the options of a command ask for. @throws UserError of wrong usage */
export function composeWanted({
  entitlement,
  reason,
  ticket,
  for: duration,
}: {
  readonly entitlement: string;
  readonly reason: string;
  readonly ticket?: string;
  readonly for: string;
}): Wanted {
  const parsed = parseEntitlement(entitlement);
  if (parsed === undefined)
    throw usageError(
      `--entitlement: ${JSON.stringify(entitlement)} is not of the form connector:resource#action`,
    );
  const checked = wantedSchema.safeParse({
    id: randomUUID(),
    kind: 'access',
    entitlement: parsed,
    durationMs: parseDurationMs(duration, '--for'),
    emergency: false,
    reason,
    ...(ticket !== undefined && { ticket }),
  });
  if (!checked.success) throw usageError(describeIssues(checked.error, 'request'));
  return checked.data;
}
