import { z } from 'zod';
import { REMEDY_ASKERS, type Remedy } from '../domain/assessment';
import { LIMITS } from '../domain/limits';
import { formatDuration } from './duration';

export const remedySchema = z.object({
  ticket: z.literal(true).exactOptional(),
  atMostMs: z.number().int().min(1).max(LIMITS.pendingLifeMs).exactOptional(),
  askedBy: z.enum(REMEDY_ASKERS).exactOptional(),
});

const ASKERS: Readonly<Record<(typeof REMEDY_ASKERS)[number], string>> = {
  beneficiary: 'the identity itself asking',
  owner: 'its owner asking for it',
  sponsor: 'its sponsor asking for it',
};

/** Says what would change a refusal: `a ticket, and no more than 2h`. */
export function sayRemedy({ ticket, atMostMs, askedBy }: Remedy): string {
  const parts = [
    ticket === undefined ? [] : 'a ticket',
    atMostMs === undefined ? [] : `no more than ${formatDuration(atMostMs)}`,
    askedBy === undefined ? [] : ASKERS[askedBy],
  ];
  return parts.flat().join(', and ');
}

/** How gateways write a remedy: its members, and the same in words. */
export const remedyOnWireSchema = z.object({
  ticket: z.literal(true).optional(),
  at_most_ms: z.number().int().optional(),
  asked_by: z.enum(REMEDY_ASKERS).optional(),
  words: z.string(),
});

export type RemedyOnWire = z.output<typeof remedyOnWireSchema>;

export function remedyOnWire(remedy: Remedy): RemedyOnWire {
  const { ticket, atMostMs, askedBy } = remedy;
  return {
    ...(ticket && { ticket }),
    ...(atMostMs !== undefined && { at_most_ms: atMostMs }),
    ...(askedBy && { asked_by: askedBy }),
    words: sayRemedy(remedy),
  };
}
