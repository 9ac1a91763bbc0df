import { z } from 'zod';
import { foreignName, identifier, label, principalId } from '../../contracts/request';
import { type Digest, digestOf } from '../../domain/digest';

const instant = z.iso.datetime();

/** A person as a source has them. */
const personSchema = z.strictObject({
  id: principalId,
  /** What the source never changes and never uses again, such as `entryUUID`. */
  stable: label(200),
  name: label(100),
  /** False if the source says that they are disabled, or no longer has them. */
  active: z.boolean(),
  /** True if the source no longer has them. They are kept, so that nobody can take their place unseen. */
  gone: z.literal(true).exactOptional(),
  endsAt: instant.exactOptional(),
  sponsor: principalId.exactOptional(),
  accounts: z.record(identifier, foreignName),
  /** When the source was first seen to have them. */
  since: instant,
});
export type SourcePerson = z.output<typeof personSchema>;

/** What one source gives: people by id, the groups and the roles that `sources.yaml` names, with their members. Nested groups are flat. */
export const snapshotSchema = z.strictObject({
  source: identifier,
  people: z.array(personSchema),
  groups: z.record(identifier, z.array(principalId)),
  roles: z.record(identifier, z.array(principalId)),
});
export type Snapshot = z.output<typeof snapshotSchema>;

export const digestOfSnapshot = (snapshot: Snapshot): Digest => digestOf(snapshot);

/** A person as a source's own protocol has them, before their ids are mapped. */
export interface RawPerson {
  /** By which groups and managers refer to them: a DN, or an id. */
  readonly ref: string;
  readonly foreignId: string;
  readonly stable: string;
  readonly name: string;
  readonly active: boolean;
  readonly endsAtMs?: number;
  readonly managerRef?: string;
  readonly accounts: Readonly<Record<string, string>>;
}

/** A group as a source has it. Its members are people and groups, by what they are referred to. */
export interface RawGroup {
  readonly ref: string;
  readonly name: string;
  readonly members: readonly string[];
}

export interface RawSnapshot {
  readonly people: readonly RawPerson[];
  readonly groups: readonly RawGroup[];
}
