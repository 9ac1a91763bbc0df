import { z } from 'zod';
import { CountersignError, makeRequest } from '../client';
import { LIMITS } from '../domain/limits';
import { type AccessRequest, parseEntitlement } from '../domain/request';
import type { LoadedBundle } from '../policy';
import type { Visitor } from './sessions';
import { argumentsFrom } from './typed-arguments';

export const DURATIONS = ['15m', '30m', '1h', '2h', '4h', '8h'] as const;

const short = z.string().max(LIMITS.ticketCharacters).default('');
const plan = z.string().max(LIMITS.reasonCharacters).default('');
const typedSchema = z.object({
  entitlement: z.string().max(512),
  duration: z.enum(DURATIONS),
  reason: plan,
  ticket: short,
  condition: short,
  /** Of an exact action. Its arguments have fields of their own. */
  tool: short,
  toolVersion: short,
  target: short,
  containment: plan,
  rollback: plan,
});

/** What somebody typed into a form of `/ask`, all of it texts. */
export type Typed = z.output<typeof typedSchema> & { readonly fields: Readonly<Record<string, unknown>> };

/** Reads what was typed. Returns undefined if the form was not filled in as it is. */
export function readTyped(fields: Readonly<Record<string, unknown>>): Typed | undefined {
  const typed = typedSchema.safeParse(fields);
  return typed.success ? { ...typed.data, fields } : undefined;
}

/** What was made of it: a request that can be signed, or why there is none. */
export type Composed =
  | { readonly ok: true; readonly request: AccessRequest }
  | { readonly ok: false; readonly why: string };

/** Makes the request of what a person typed: access, or an exact action with its arguments. */
export function compose(typed: Typed, { person }: Visitor, { context }: LoadedBundle): Composed {
  const { entitlement, duration, reason, ticket, condition } = typed;
  const action = actionOf(typed, context);
  if (!action.ok) return action;
  try {
    const request = makeRequest({
      ...{ requester: person, entitlement, duration, reason: reason.trim() },
      ...(ticket.trim() !== '' && { ticket: ticket.trim() }),
      ...(condition !== '' && { emergencyCondition: condition }),
      ...action.value,
    });
    return { ok: true, request };
  } catch (error) {
    if (error instanceof CountersignError) return { ok: false, why: error.message };
    throw error;
  }
}

type Action =
  | {
      readonly ok: true;
      readonly value: Partial<Pick<AccessRequest, 'parameters' | 'containment' | 'rollback'>>;
    }
  | Extract<Composed, { ok: false }>;

function actionOf(typed: Typed, { catalog, engine }: LoadedBundle['context']): Action {
  const entitlement = parseEntitlement(typed.entitlement);
  const entry = entitlement && catalog.entry(entitlement);
  if (entry?.kind !== 'execution') return { ok: true, value: {} };
  const given = argumentsFrom(engine.declared.get(entry.entitlement.action), typed.fields);
  if (!given.ok) return given;
  const [tool, toolVersion, target] = [typed.tool.trim(), typed.toolVersion.trim(), typed.target.trim()];
  const plans = {
    ...(typed.containment.trim() !== '' && { containment: lines(typed.containment) }),
    ...(typed.rollback.trim() !== '' && { rollback: lines(typed.rollback) }),
  };
  return { ok: true, value: { parameters: { tool, toolVersion, target, arguments: given.value }, ...plans } };
}

/** Forms write the end of a line as two characters (HTML, "form submission"). */
const lines = (text: string): string => text.trim().replaceAll('\r\n', '\n');
