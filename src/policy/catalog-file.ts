import { z } from 'zod';
import { identifier, text } from '../contracts/request';

/** Effects of an entitlement on a control that end every request for it (APB-1). */
export const WEAKENING_EFFECTS = ['weakens', 'waives', 'disables'] as const;

const actionSchema = z.strictObject({
  title: text(200),
  privileged: z.boolean().default(false),
  grant: z.record(identifier, text(200)).exactOptional(),
  effect: z.enum(WEAKENING_EFFECTS).exactOptional(),
  control: identifier.exactOptional(),
});
export type ActionData = z.output<typeof actionSchema>;

const resourceKey = z.string().regex(/^[\w.-]+:[\w./-]+$/, 'must be written CONNECTOR:RESOURCE');

/** `catalog.yaml`: what exists, what can be asked of it, and what is a control. */
export const catalogSchema = z.strictObject({
  connectors: z.record(identifier, z.strictObject({ kind: identifier, title: text(200) })),
  /** Systems that no connector reaches. They are known so that requests against their controls are stopped. */
  systems: z.record(identifier, text(200)).default({}),
  controls: z.record(identifier, z.strictObject({ title: text(200), safeWay: text(500) })).default({}),
  resources: z.record(
    resourceKey,
    z.strictObject({
      title: text(200),
      owners: identifier,
      tags: z.array(identifier).default([]),
      /** Controls that hold over it: a denial by one of them bears on every request for it. */
      guardedBy: z.array(identifier).default([]),
      actions: z.record(identifier, actionSchema),
    }),
  ),
});
export type CatalogData = z.output<typeof catalogSchema>;
