import type { Context } from '@cedar-policy/cedar-wasm/nodejs';
import type { AccessRequest } from '../../domain/request';
import { type MappedArguments, mapArguments } from '../arguments/map';
import { sampleArguments } from '../arguments/samples';
import type { CatalogEntry } from '../load/catalog';
import type { CedarEngine } from './cedar-engine';

type Seen =
  | { readonly ok: true; readonly value: Context | undefined }
  | Extract<MappedArguments, { ok: false }>;

/** Returns what policy sees of a request's arguments: nothing if its action declares none. */
export function argumentsSeen(engine: CedarEngine, entry: CatalogEntry, request: AccessRequest): Seen {
  const declared = engine.declared.get(entry.entitlement.action);
  if (declared === undefined || request.parameters === undefined) return { ok: true, value: undefined };
  const mapped = mapArguments(declared, request.parameters.arguments, entry.undeclared);
  return mapped.ok ? { ok: true, value: { ...mapped.value } } : mapped;
}

/**
 * Names the arguments that these policies looked at, as the end of a sentence. Says nothing of what they were compared with: a
 * limit that is known is stayed below.
 */
export function argumentsNamed(engine: CedarEngine, action: string, policies: readonly string[]): string {
  if (!engine.declared.has(action)) return '';
  const uses = policies.flatMap((id) => engine.reads.arguments.get(id) ?? []);
  const names = [...new Set(uses.map(({ path }) => path.join('.')))].filter(Boolean).sort();
  if (names.length === 0) return '';
  return `, decided by the argument${names.length === 1 ? '' : 's'} ${names.join(', ')}`;
}

const samples = new WeakMap<CedarEngine, Map<string, ReturnType<typeof sampleArguments>>>();

/** Returns arguments of an action for which policies may answer differently. One that declares none has no others than `{}`. */
export function samplesFor(engine: CedarEngine, action: string): ReturnType<typeof sampleArguments> {
  const declared = engine.declared.get(action);
  if (declared === undefined) return [{}];
  const known = samples.get(engine) ?? new Map<string, ReturnType<typeof sampleArguments>>();
  samples.set(engine, known);
  const made = known.get(action) ?? sampleArguments(declared, [...engine.reads.arguments.values()].flat());
  known.set(action, made);
  return made;
}
