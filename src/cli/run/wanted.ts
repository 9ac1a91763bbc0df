import { randomUUID } from 'node:crypto';
import { describeIssues } from '../../contracts/problem';
import { newRequestSchema } from '../../contracts/request';
import { parseDurationMs } from '../duration';
import { usageError } from '../output';
import { splitEntitlement } from '../request-file';
import type { Wanted } from './way';

const wantedSchema = newRequestSchema.omit({
  requester: true,
  beneficiary: true,
  onBehalfOf: true,
  submittedAtMs: true,
});

/** What the options of a command ask for. @throws UserError of wrong usage */
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
  if (!/^[^:#]+:[^:#]+#[^#]+$/.test(entitlement))
    throw usageError(
      `--entitlement: ${JSON.stringify(entitlement)} is not of the form connector:resource#action`,
    );
  const checked = wantedSchema.safeParse({
    id: randomUUID(),
    kind: 'access',
    entitlement: splitEntitlement(entitlement),
    durationMs: parseDurationMs(duration, '--for'),
    emergency: false,
    reason,
    ...(ticket !== undefined && { ticket }),
  });
  if (!checked.success) throw usageError(describeIssues(checked.error, 'request'));
  return checked.data;
}
