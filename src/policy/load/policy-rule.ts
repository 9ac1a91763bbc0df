import { z } from 'zod';
import { durationUpTo } from '../../contracts/duration';
import { identifier, text } from '../../contracts/request';
import { LIMITS } from '../../domain/limits';
import { POLICY_ALONE } from './paths-file';

/** A policy's demand that the owner or sponsor of the identity confirms the request. */
export interface ConfirmationDemand {
  readonly relation: 'sponsor' | 'owner';
  readonly before: 'approval' | 'execution';
}

const confirmation = z.string().transform((value, context): ConfirmationDemand => {
  const [, relation, before] = /^(sponsor|owner) before (approval|execution)$/.exec(value) ?? [];
  if ((relation === 'sponsor' || relation === 'owner') && (before === 'approval' || before === 'execution'))
    return { relation, before };
  context.addIssue({
    code: 'custom',
    message: 'must read "sponsor before approval", or owner, or execution',
  });
  return z.NEVER;
});

/** Annotations are a closed list: otherwise a misspelt `@max_duraton` would silently remove a limit. */
const permitAnnotations = z.strictObject({
  id: identifier.describe(
    'stable name of the policy; a reroute names it as its basis, a test as the one that decides',
  ),
  title: text(200).exactOptional().describe('what it says, for people'),
  path: identifier.describe(
    'who approves: a path of paths.yaml, or `policy-alone` if nobody is asked. Several permits combine to the strictest',
  ),
  emergency: identifier
    .exactOptional()
    .describe(
      'the policy only counts for emergency requests under this condition of paths.yaml; needs @review_within',
    ),
  max_duration: durationUpTo(LIMITS.grantMs)
    .exactOptional()
    .describe('longest grant; a longer request is refused'),
  review_within: durationUpTo(LIMITS.grantMs)
    .exactOptional()
    .describe('somebody of the reviewers gives a verdict on the grant within this time'),
  confirm: confirmation
    .exactOptional()
    .describe(
      'the owner or the sponsor of the identity confirms first: `owner` or `sponsor`, `before approval` or `before execution`',
    ),
});
const forbidAnnotations = z
  .strictObject({
    id: identifier.describe('stable name of the policy'),
    title: text(200).exactOptional().describe('what it says, for people'),
    hard_stop: z
      .string()
      .regex(/^[A-Z][A-Z0-9_]{2,63}$/, 'must be a code such as NON_HUMAN_ADMIN')
      .exactOptional()
      .describe('ends the request at once and asks nobody, with this code; needs @safe_way'),
    safe_way: text(500).exactOptional().describe('what somebody does instead; the requester reads it'),
  })
  .refine((said) => said.hard_stop === undefined || said.safe_way !== undefined, {
    path: ['hard_stop'],
    message: 'needs a @safe_way beside it; a stop must not be a dead end',
  });

/** Annotations of each kind of policy, with what they mean: the shapes that read them. */
export const ANNOTATIONS = { permit: permitAnnotations.shape, forbid: forbidAnnotations.shape } as const;

/** Names of the annotations that each kind of policy can have. */
export const ANNOTATION_NAMES = {
  permit: Object.keys(permitAnnotations.shape),
  forbid: Object.keys(forbidAnnotations.shape),
} as const;

interface PlacedRule {
  readonly id: string;
  readonly title: string;
  readonly file: string;
  readonly line: number;
}

/** A policy that can permit a request, with its terms. */
export interface PermitRule extends PlacedRule {
  readonly effect: 'permit';
  /** Name of the approval path; absent if policy alone decides. */
  readonly path?: string;
  /** The emergency condition; then the policy only applies to emergency requests under it. */
  readonly emergency?: string;
  readonly maxDurationMs?: number;
  readonly reviewWithinMs?: number;
  readonly confirmation?: ConfirmationDemand;
}

/** A policy that refuses a request. */
export interface ForbidRule extends PlacedRule {
  readonly effect: 'forbid';
  /** Makes the refusal a hard stop with this code. */
  readonly hardStop?: string;
  readonly safeWay?: string;
}

export type PolicyRule = PermitRule | ForbidRule;

export type ReadRule =
  | { readonly ok: true; readonly rule: PolicyRule }
  | { readonly ok: false; readonly issues: readonly z.core.$ZodIssue[] };

/** Parses the annotations of a policy. */
export function readRule(
  effect: 'permit' | 'forbid',
  annotations: Readonly<Record<string, string>>,
  place: { readonly file: string; readonly line: number },
): ReadRule {
  return effect === 'permit' ? readPermit(annotations, place) : readForbid(annotations, place);
}

function readPermit(annotations: unknown, place: { file: string; line: number }): ReadRule {
  const parsed = permitAnnotations.safeParse(annotations);
  if (!parsed.success) return { ok: false, issues: parsed.error.issues };
  const said = parsed.data;
  const rule: PermitRule = {
    effect: 'permit',
    ...place,
    id: said.id,
    title: said.title ?? said.id,
    ...(said.path !== POLICY_ALONE && { path: said.path }),
    ...(said.emergency !== undefined && { emergency: said.emergency }),
    ...(said.max_duration !== undefined && { maxDurationMs: said.max_duration }),
    ...(said.review_within !== undefined && { reviewWithinMs: said.review_within }),
    ...(said.confirm !== undefined && { confirmation: said.confirm }),
  };
  return { ok: true, rule };
}

function readForbid(annotations: unknown, place: { file: string; line: number }): ReadRule {
  const parsed = forbidAnnotations.safeParse(annotations);
  if (!parsed.success) return { ok: false, issues: parsed.error.issues };
  const said = parsed.data;
  const rule: ForbidRule = {
    effect: 'forbid',
    ...place,
    id: said.id,
    title: said.title ?? said.id,
    ...(said.hard_stop !== undefined && { hardStop: said.hard_stop }),
    ...(said.safe_way !== undefined && { safeWay: said.safe_way }),
  };
  return { ok: true, rule };
}
