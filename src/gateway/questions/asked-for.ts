import { z } from 'zod';
import { durationUpTo } from '../../contracts/duration';
import {
  entitlementText,
  label,
  type newRequestSchema,
  paragraph,
  principalId,
} from '../../contracts/request';
import { LIMITS } from '../../domain/limits';
import { parseEntitlement } from '../../domain/request';

/** What a question asks for, by the settings. */
export const askedForSchema = z.strictObject({
  /** The identity in whose name the question asks. */
  as: principalId.refine((id) => !id.startsWith('person/'), 'is a person; a question asks as a workload'),
  entitlement: entitlementText,
  for: durationUpTo(LIMITS.grantMs),
  /** For an entitlement that is an exact action: the call, to which what is asked about is added. */
  action: z
    .strictObject({
      tool: label(LIMITS.identifierCharacters),
      version: label(LIMITS.identifierCharacters),
      target: label(LIMITS.identifierCharacters),
      containment: paragraph(LIMITS.reasonCharacters),
      rollback: paragraph(LIMITS.reasonCharacters),
    })
    .exactOptional(),
});
type AskedFor = z.output<typeof askedForSchema>;

export type Asked = Omit<z.output<typeof newRequestSchema>, 'submittedAtMs'>;

/** Returns the request that a question becomes. */
export function askedFor(
  { as, entitlement: name, for: durationMs, action }: AskedFor,
  id: string,
  { reason, call }: { readonly reason: string; readonly call: Readonly<Record<string, string | number>> },
): Asked {
  const entitlement = parseEntitlement(name);
  if (entitlement === undefined) throw new Error(`${name} is not an entitlement`);
  return {
    id,
    kind: action === undefined ? 'access' : 'execution',
    requester: as,
    beneficiary: as,
    onBehalfOf: [],
    entitlement,
    durationMs,
    emergency: false,
    reason,
    ...(action && {
      parameters: {
        tool: action.tool,
        toolVersion: action.version,
        target: action.target,
        arguments: call,
      },
      containment: action.containment,
      rollback: action.rollback,
    }),
  };
}
