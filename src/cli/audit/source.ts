import { existsSync } from 'node:fs';
import path from 'node:path';
import { Client, type Connection } from '@temporalio/client';
import { archiveAddress, openArchive } from '../../audit/archive/open';
import type { ArchiveSink } from '../../audit/archive/sink';
import { ArchivedVersions, versionsWith } from '../../audit/archive/versions';
import { makeEvidence, type VersionSource } from '../../audit/evidence/export';
import { readEvidenceFile } from '../../audit/evidence/file';
import type { FindingSource } from '../../audit/evidence/recorded-findings';
import { historiesOf } from '../../audit/evidence/runs';
import type { EvidenceFile } from '../../audit/evidence/schema';
import type { HistoryReplay } from '../../audit/replay';
import { ReplayProcess } from '../../audit/replay-process';
import { configuredCodecs } from '../../codec';
import { createConnectors } from '../../connectors';
import { addressVariable, isSet } from '../../connectors/settings';
import type { RegisterRow } from '../../contracts/enrolment';
import { FileTicketSource, type LoadedBundle, loadBundle } from '../../policy';
import { readBundleFiles } from '../../policy/load/bundle-folder';
import { type Context, withClient } from '../context';
import { withEnrolledKeys } from '../enrolled';
import { UserError } from '../output';
import { checkRequestId, resolveRequestId } from '../request-id';
import { connectTemporal } from '../temporal';

/** Runs something with a Temporal client, and closes its connection. */
export async function withTemporal<T>(
  context: Context,
  use: (client: Client, namespace: string) => Promise<T>,
): Promise<T> {
  const { connection, namespace } = await connectTemporal(context.sources.stack);
  try {
    return await use(clientOver(connection, namespace, context.settings), namespace);
  } finally {
    await connection.close();
  }
}

/** Makes a client that decrypts what the server stores, if there are keys. */
export function clientOver(connection: Connection, namespace: string, settings: Context['settings']): Client {
  const payloadCodecs = configuredCodecs(settings.COUNTERSIGN_CODEC_KEYS);
  return new Client({ connection, namespace, dataConverter: { payloadCodecs } });
}

/** Runs something that replays histories in a separate process, and ends the process. */
export async function withReplayer<T>(use: (replayer: HistoryReplay) => Promise<T>): Promise<T> {
  const replayer = new ReplayProcess();
  try {
    return await use(replayer);
  } finally {
    await replayer.close();
  }
}

/** Opens the archive at an address, or else the one in the settings. Returns undefined if there is neither. */
export function archiveOf({ settings, env }: Context, addressOption?: string): ArchiveSink | undefined {
  try {
    const address = addressOption ?? archiveAddress(settings);
    return address === undefined ? undefined : openArchive(address, env);
  } catch (error) {
    throw new UserError(error instanceof Error ? error.message : 'the archive cannot be opened');
  }
}

/** Opens the archive of the settings, or else the one in the state folder of `up`, if there is one. */
export function archiveAtHand(context: Context): ArchiveSink | undefined {
  const kept = path.join(context.settings.COUNTERSIGN_STATE_DIR, 'archive');
  return archiveOf(context) ?? (existsSync(kept) ? archiveOf(context, kept) : undefined);
}

/** Returns the versions of the configured bundle, of the bundle that `up` uses, and of the archive. */
async function versionsAtHand(context: Context, archive: ArchiveSink | undefined): Promise<VersionSource> {
  const files = await readBundleFiles(path.join(context.settings.COUNTERSIGN_STATE_DIR, 'bundle'));
  const kept = archive && new ArchivedVersions(archive);
  // An archive has every version with its register. Without one there is the version of this moment.
  const now = archive === undefined ? await composedNow(context) : undefined;
  const register = now?.register ?? [];
  const others = files.ok ? versionsWith(files.value, kept, register) : kept;
  const versions = await versionsOver(context, others, register);
  return now === undefined ? versions : versionsWith(now.files, versions, register);
}

/** Returns the bundle with what its sources give and the keys that are enrolled. Undefined if it is not valid. */
async function composedNow({ settings, env, announce }: Context): Promise<LoadedBundle | undefined> {
  const loaded = await loadBundle(settings.COUNTERSIGN_BUNDLE, new FileTicketSource(undefined));
  return loaded.ok ? withEnrolledKeys(loaded.bundle, env, announce) : undefined;
}

async function versionsOver(
  { settings }: Context,
  others: VersionSource | undefined,
  register: readonly RegisterRow[] = [],
): Promise<VersionSource> {
  const files = await readBundleFiles(settings.COUNTERSIGN_BUNDLE);
  return versionsWith(files.ok ? files.value : new Map(), others, register);
}

/** Returns the versions of the configured bundle and of the archive. */
export const versionsOf = (context: Context, archive?: ArchiveSink): Promise<VersionSource> =>
  versionsOver(context, archive && new ArchivedVersions(archive));

/** Reads findings from the targets whose address is in the environment. */
export const targetsOf = ({ settings, env }: Context): FindingSource => ({
  findings: async (name, requestId) => {
    if (!isSet(addressVariable(name), env)) return [];
    const loaded = await loadBundle(settings.COUNTERSIGN_BUNDLE, new FileTicketSource(undefined));
    const declared = loaded.ok ? loaded.bundle.connectors : [];
    const connectors = await createConnectors(
      declared.filter((one) => one.name === name),
      env,
    );
    const connector = connectors.get(name);
    try {
      return (await connector?.findings?.read(requestId)) ?? [];
    } finally {
      await connector?.close();
    }
  },
});

export interface FetchedEvidence {
  readonly evidence: EvidenceFile;
  readonly missing: readonly string[];
}

/** Makes the evidence of a request from a running server. `typedId` may be the beginning of an id. */
export async function fetchEvidence(typedId: string, context: Context): Promise<FetchedEvidence> {
  checkRequestId(typedId);
  const id = await withClient(context, (client) => resolveRequestId(client, typedId));
  const archive = archiveAtHand(context);
  try {
    const versions = await versionsAtHand(context, archive);
    return await withTemporal(context, (client) =>
      withReplayer(async (replayer) => {
        const runs = await historiesOf(client, id).catch(() => {
          throw new UserError(`this server has no request ${id}, or no longer keeps it`, 1, 'NOT_FOUND');
        });
        const made = await makeEvidence(id, runs, versions, replayer, targetsOf(context));
        if (!made.ok) throw new UserError(`${id}: ${made.message}`);
        return made;
      }),
    );
  } finally {
    await archive?.close();
  }
}

/** Reads evidence from a file. @throws UserError with one line if the file is not valid evidence */
export async function evidenceIn(file: string): Promise<{ evidence: EvidenceFile; text: string }> {
  const read = await readEvidenceFile(file);
  if (!read.ok) throw new UserError(read.message, 1, 'BAD_EVIDENCE');
  return read;
}
