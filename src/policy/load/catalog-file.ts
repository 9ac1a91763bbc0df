import { z } from 'zod';
import { durationUpTo } from '../../contracts/duration';
import { foreignName, identifier, text } from '../../contracts/request';
import { LIMITS } from '../../domain/limits';

/** Effects of an entitlement on a control that end every request for it (APB-1). */
export const WEAKENING_EFFECTS = ['weakens', 'waives', 'disables'] as const;

const actionSchema = z.strictObject({
  title: text(200),
  privileged: z.boolean().default(false),
  grant: z.record(identifier, text(200)).exactOptional(),
  effect: z.enum(WEAKENING_EFFECTS).exactOptional(),
  control: identifier.exactOptional(),
  /** Whether arguments that the schema does not declare are refused, or shown to the approvers and to no policy. */
  undeclared: z.enum(['refuse', 'show']).exactOptional(),
});

/** One resource, or with a `*` at the end all whose names begin like this. */
const resourceKey = z
  .string()
  .regex(
    /^[\w.-]+:([\w./-]+\*?|\*)$/,
    'must be written CONNECTOR:RESOURCE, or CONNECTOR:BEGINNING* for many',
  );

/** Text in which `{name}` stands for an argument of the call, and `{to.account}` for one inside another. */
const template = text(LIMITS.reasonCharacters).regex(
  /^(?:[^{}]|\{[^{}]+\})*$/,
  'has a brace that encloses no name of an argument; write {name}',
);

/** What calling a tool of an MCP server is: an exact action of the catalog. */
const toolSchema = z.strictObject({
  resource: resourceKey,
  action: identifier,
  /** What the call acts on. */
  target: template,
  /** Why, for the approvers; the title of the action if it is left out. */
  reason: template.exactOptional(),
  containment: template,
  rollback: template,
  /** How long an approved call may wait until it is made. */
  within: durationUpTo(LIMITS.grantMs).default(3_600_000),
  /** An argument that the gate adds to the tool: a call with another value of it is another call. */
  nonce: identifier.exactOptional(),
  /** The longest answer of the server that reaches the agent. */
  mostBytes: z
    .int()
    .min(256)
    .max(8 * 1024 * 1024)
    .exactOptional(),
  /** Arguments that are secrets: the gate's record has neither them nor a digest of them, and no text names them. */
  secrets: z.array(identifier).max(16).exactOptional(),
});
export type ToolMapping = z.output<typeof toolSchema>;

/** `catalog.yaml`: resources, entitlements on them, and controls. */
export const catalogSchema = z.strictObject({
  connectors: z.record(identifier, z.strictObject({ kind: identifier, title: text(200) })),
  /** Systems that no connector reaches. They are listed so that requests against their controls are stopped. */
  systems: z.record(identifier, text(200)).default({}),
  controls: z.record(identifier, z.strictObject({ title: text(200), safeWay: text(500) })).default({}),
  resources: z.record(
    resourceKey,
    z.strictObject({
      title: text(200),
      owners: identifier,
      tags: z.array(identifier).default([]),
      /** Controls that guard it: a denial by one of them counts for every request for it. */
      guardedBy: z.array(identifier).default([]),
      /** What policies see of it, as `resource.properties`. */
      properties: z.record(identifier, z.union([text(200), z.boolean(), z.int()])).exactOptional(),
      actions: z.record(identifier, actionSchema),
    }),
  ),
  /** Tools of MCP servers behind the gate, by the server's name. A tool that is not listed is not offered. */
  tools: z.record(identifier, z.record(foreignName, toolSchema)).default({}),
});
export type CatalogData = z.output<typeof catalogSchema>;
