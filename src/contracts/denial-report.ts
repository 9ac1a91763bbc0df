import { z } from 'zod';
import type { DenialReport } from '../domain/precedents';
import { identifier, principalId } from './request';

/** JOSE `typ` of a denial report. */
export const DENIAL_REPORT_TYPE = 'countersign-denial+jwt';
/** Role of the identities whose reports count. Policy enforcement points hold it; people need not. */
export const ENFORCEMENT_POINT_ROLE = 'enforcement-point';

const numericDate = z.number().min(0).max(8_640_000_000_000);

/** Claims by which a policy enforcement point says what it denied, to whom, and when. */
export const denialClaimsSchema = z
  .strictObject({
    iss: principalId,
    jti: identifier,
    iat: numericDate,
    /** Who was denied. */
    sub: principalId,
    control: identifier.exactOptional(),
    resource: z
      .string()
      .max(256)
      .regex(/^[\w.-]+:[\w./-]+$/, 'must be written CONNECTOR:RESOURCE')
      .exactOptional(),
    reasonCode: identifier,
    /** When it was denied, where that was before the report. */
    deniedAt: numericDate.exactOptional(),
  })
  .refine(({ control, resource }) => control !== undefined || resource !== undefined, {
    message: 'names neither the control that held nor the resource that was reached for',
  });
export type DenialClaims = z.infer<typeof denialClaimsSchema>;

export function denialReportOf({ iss, jti, iat, sub, deniedAt, ...about }: DenialClaims): DenialReport {
  return {
    id: `${iss}/${jti}`,
    reportedBy: iss,
    subject: sub,
    deniedAtMs: Math.round((deniedAt ?? iat) * 1_000),
    ...about,
  };
}
