import { z } from 'zod';
import { durationUpTo } from '../../contracts/duration';
import { foreignName, identifier, text } from '../../contracts/request';
import { LIMITS } from '../../domain/limits';

/** Effects of an entitlement on a control that end every request for it (APB-1). */
export const WEAKENING_EFFECTS = ['weakens', 'waives', 'disables'] as const;

const actionSchema = z.strictObject({
  title: text(200).describe('what it lets somebody do'),
  privileged: z.boolean().default(false).describe('true if it administers the resource'),
  grant: z
    .record(identifier, text(200))
    .exactOptional()
    .describe('what the connector gives on its target; each kind of connector has its own names'),
  effect: z
    .enum(WEAKENING_EFFECTS)
    .exactOptional()
    .describe('what it does to a control; requests for it are stopped before any policy is asked'),
  control: identifier.exactOptional().describe('the control that it weakens, waives or disables'),
  undeclared: z
    .enum(['refuse', 'show'])
    .exactOptional()
    .describe(
      'whether arguments that the schema does not declare are refused, or shown to the approvers and to no policy',
    ),
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
  resource: resourceKey.describe('resource of the catalog'),
  action: identifier.describe('action of that resource'),
  target: template.describe('what the call acts on; {name} stands for an argument'),
  reason: template.exactOptional().describe('why, for the approvers (default: the title of the action)'),
  containment: template.describe('how far it can reach if it goes wrong'),
  rollback: template.describe('how it is undone'),
  within: durationUpTo(LIMITS.grantMs)
    .default(3_600_000)
    .describe('how long an approved call may wait until it is made'),
  nonce: identifier
    .exactOptional()
    .describe('an argument that the gate adds to the tool: a call with another value of it is another call'),
  mostBytes: z
    .int()
    .min(256)
    .max(8 * 1024 * 1024)
    .exactOptional()
    .describe('the longest answer of the server that reaches the agent'),
  secrets: z
    .array(identifier)
    .max(16)
    .exactOptional()
    .describe(
      "arguments that are secrets: the gate's record has neither them nor a digest of them, and no text names them",
    ),
});
export type ToolMapping = z.output<typeof toolSchema>;

/** `catalog.yaml`: resources, entitlements on them, and controls. */
export const catalogSchema = z.strictObject({
  connectors: z
    .record(
      identifier,
      z.strictObject({
        kind: identifier.describe('kind of target (countersign connector kinds)'),
        title: text(200).describe('what the target is'),
      }),
    )
    .describe('targets, by the name that settings and resources use'),
  systems: z
    .record(identifier, text(200))
    .default({})
    .describe(
      'systems that no connector reaches; listed so that requests against their controls are recognised and stopped',
    ),
  controls: z
    .record(
      identifier,
      z.strictObject({
        title: text(200).describe('what the control is'),
        safeWay: text(500).describe('what somebody does instead of weakening it'),
      }),
    )
    .default({})
    .describe('controls that nobody may be asked to weaken'),
  resources: z
    .record(
      resourceKey,
      z.strictObject({
        title: text(200).describe('what the resource is'),
        owners: identifier.describe('group that answers for it; a path calls them resource-owners'),
        tags: z.array(identifier).default([]).describe('words that policies compare'),
        guardedBy: z
          .array(identifier)
          .default([])
          .describe('controls that guard it: a denial by one of them counts for every request for it'),
        properties: z
          .record(identifier, z.union([text(200), z.boolean(), z.int()]))
          .exactOptional()
          .describe('what policies see of it, as `resource.properties`'),
        actions: z.record(identifier, actionSchema).describe('what can be asked of it'),
      }),
    )
    .describe('what access can be asked to, by CONNECTOR:RESOURCE, or CONNECTOR:BEGINNING* for many'),
  tools: z
    .record(identifier, z.record(foreignName, toolSchema))
    .default({})
    .describe(
      "tools of MCP servers behind the gate, by the server's name; one that is not listed is not offered",
    ),
});
export type CatalogData = z.output<typeof catalogSchema>;
