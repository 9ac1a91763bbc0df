import { existsSync } from 'node:fs';
import path from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { archiveAddress, openArchive } from '../../audit/archive/open';
import { ArchivedShelf, type BundleShelf, shelfWith } from '../../audit/archive/shelf';
import type { ArchiveSink } from '../../audit/archive/sink';
import { type BookSource, makeEvidence } from '../../audit/evidence/export';
import { readEvidenceFile } from '../../audit/evidence/file';
import type { FoundSource } from '../../audit/evidence/found';
import { historiesOf } from '../../audit/evidence/runs';
import type { EvidenceFile } from '../../audit/evidence/schema';
import type { HistoryReplay } from '../../audit/replay';
import { ReplayProcess } from '../../audit/replay-process';
import { configuredCodecs } from '../../codec';
import { addressVariable, createConnectors } from '../../connectors';
import { requestId } from '../../contracts/request';
import { FileTicketSource, loadBundle } from '../../policy';
import { readBundleFiles } from '../../policy/load-bundle';
import type { Context } from '../context';
import { UserError } from '../output';

/** Runs something with a connection to Temporal's own interface, and closes it. */
export async function withTemporal<T>(
  { settings }: Context,
  use: (client: Client, namespace: string) => Promise<T>,
): Promise<T> {
  const { connectionOptions, namespace = 'default' } = loadClientConnectConfig();
  let connection: Connection;
  try {
    connection = await Connection.connect({ connectTimeout: '5s', ...connectionOptions });
  } catch {
    throw new UserError('cannot reach Temporal; check TEMPORAL_ADDRESS and the server', 1, 'UNREACHABLE');
  }
  try {
    return await use(clientOver(connection, namespace, settings), namespace);
  } finally {
    await connection.close();
  }
}

/** A client that opens what the server stores encrypted, where the keys are there. */
export function clientOver(connection: Connection, namespace: string, settings: Context['settings']): Client {
  const payloadCodecs = configuredCodecs(settings.COUNTERSIGN_CODEC_KEYS);
  return new Client({ connection, namespace, dataConverter: { payloadCodecs } });
}

/** Runs something that replays histories, in a process of their own. */
export async function withReplayer<T>(use: (replayer: HistoryReplay) => Promise<T>): Promise<T> {
  const replayer = new ReplayProcess();
  try {
    return await use(replayer);
  } finally {
    await replayer.close();
  }
}

/** The archive of the settings, or of an address given by hand; nothing where there is neither. */
export function archiveOf({ settings, env }: Context, given?: string): ArchiveSink | undefined {
  try {
    const address = given ?? archiveAddress(settings);
    return address === undefined ? undefined : openArchive(address, env);
  } catch (error) {
    throw new UserError(error instanceof Error ? error.message : 'the archive cannot be opened');
  }
}

/** The archive of the settings, or else the one that `up` keeps in its state folder, where there is one. */
export function archiveAtHand(context: Context): ArchiveSink | undefined {
  const kept = path.join(context.settings.COUNTERSIGN_STATE_DIR, 'archive');
  return archiveOf(context) ?? (existsSync(kept) ? archiveOf(context, kept) : undefined);
}

/** Versions of policy and directory: the bundle at hand, the one that `up` decides by, and those that the archive keeps. */
async function booksAtHand(context: Context, archive: ArchiveSink | undefined): Promise<BookSource> {
  const files = await readBundleFiles(path.join(context.settings.COUNTERSIGN_STATE_DIR, 'bundle'));
  const kept = archive && new ArchivedShelf(archive);
  return booksOver(context, files.ok ? shelfWith(files.value, kept) : kept);
}

async function booksOver({ settings }: Context, below: BundleShelf | undefined): Promise<BookSource> {
  const files = await readBundleFiles(settings.COUNTERSIGN_BUNDLE);
  return shelfWith(files.ok ? files.value : new Map(), below);
}

/** Versions of policy and directory: the bundle at hand, and those that the archive keeps. */
export const booksOf = (context: Context, archive?: ArchiveSink): Promise<BookSource> =>
  booksOver(context, archive && new ArchivedShelf(archive));

/** What was found on targets, asked of those whose address is in the environment. */
export const targetsOf = ({ settings, env }: Context): FoundSource => ({
  found: async (name, requestId) => {
    const variable = addressVariable(name);
    if (!env[variable] && !env[`${variable}_FILE`]) return [];
    const loaded = await loadBundle(settings.COUNTERSIGN_BUNDLE, new FileTicketSource(undefined));
    const declared = loaded.ok ? loaded.bundle.connectors : [];
    const connectors = createConnectors(
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

/** Makes the evidence of a request from a running server. */
export async function fetchEvidence(id: string, context: Context): Promise<FetchedEvidence> {
  if (!requestId.safeParse(id).success) throw new UserError(`${id} is no request id`, 2);
  const archive = archiveAtHand(context);
  try {
    const books = await booksAtHand(context, archive);
    return await withTemporal(context, (client) =>
      withReplayer(async (replayer) => {
        const runs = await historiesOf(client, id).catch(() => {
          throw new UserError(`there is no request ${id} on this server (any more)`, 1, 'NOT_FOUND');
        });
        const made = await makeEvidence(id, runs, books, replayer, targetsOf(context));
        if (!made.ok) throw new UserError(`${id}: ${made.message}`);
        return made;
      }),
    );
  } finally {
    await archive?.close();
  }
}

/** Evidence in a file; a problem is one line. */
export async function evidenceIn(file: string): Promise<{ evidence: EvidenceFile; text: string }> {
  const read = await readEvidenceFile(file);
  if (!read.ok) throw new UserError(read.message, 1, 'BAD_EVIDENCE');
  return read;
}
