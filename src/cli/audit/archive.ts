import { readFile } from 'node:fs/promises';
import type { Client } from '@temporalio/client';
import type { Command } from 'commander';
import { Archivist, type ArchivistOptions } from '../../audit/archive/archivist';
import { ARCHIVE_SCHEMA } from '../../audit/archive/postgresql-sink';
import type { ArchiveSink } from '../../audit/archive/sink';
import { LogHeads } from '../../audit/log/heads';
import { readNoteSigner } from '../../audit/log/note';
import type { HistoryReplay } from '../../audit/replay';
import { ledgerAddress } from '../../ledger';
import { FileTicketSource, loadBundle } from '../../policy';
import type { Context, Run } from '../context';
import { createLogger } from '../logger';
import { type CommandResult, done, failed as outcomeOf, UserError, usageError } from '../output';
import { archiveOf, targetsOf, versionsOf, withReplayer, withTemporal } from './source';

/** Requests that are still open are archived once a day, as they are then. */
const CHECKPOINT_AFTER_MS = 86_400_000;

/** `countersign audit archive` */
export function defineArchive(audit: Command, run: Run): void {
  const archive = audit
    .command('archive')
    .description('archive the evidence of all closed requests, once; fails if one could not be archived')
    .action(() => run(archiveOnce));
  archive
    .command('schema')
    .description('print the SQL that creates an archive in PostgreSQL; its owner runs it')
    .action(() => run(async () => done({ sql: ARCHIVE_SCHEMA }, ARCHIVE_SCHEMA.trim())));
}

async function archiveOnce(context: Context): Promise<CommandResult> {
  const sink = archiveOf(context);
  if (sink === undefined) throw usageError('set COUNTERSIGN_ARCHIVE to the archive');
  const heads: LogHeads[] = [];
  try {
    const pass = await withTemporal(context, (client, namespace) =>
      withReplayer(async (replayer) => {
        const options = await archivistOptions({ context, client, namespace, sink, replayer });
        if (options.log !== undefined) heads.push(options.log.heads);
        return new Archivist(options).pass();
      }),
    );
    const { archived, checkpoints, failed, alarms } = pass;
    const lines = [
      `${archived.length} archived, ${checkpoints.length} open ones as they stand, ${failed.length} failed`,
      ...failed.map(({ requestId, reason }) => `${requestId}: ${reason}`),
    ];
    if (failed.length === 0) return done(pass, ...lines);
    const message = `${failed.length} closed requests are not archived${alarms.length > 0 ? `, ${alarms.length} of them for too long` : ''}`;
    return outcomeOf({ code: 'NOT_ARCHIVED', message }, pass, ...lines);
  } finally {
    await Promise.all([sink, ...heads].map((store) => store.close()));
  }
}

interface Place {
  readonly context: Context;
  readonly client: Client;
  readonly namespace: string;
  readonly sink: ArchiveSink;
  readonly replayer: HistoryReplay;
}

/** Returns the options of an archivist, from the settings. */
export async function archivistOptions({ context, sink, ...place }: Place): Promise<ArchivistOptions> {
  const { settings } = context;
  const { COUNTERSIGN_LOG_DIR: dir, COUNTERSIGN_LOG_KEY_FILE: keyFile } = settings;
  if ((dir === undefined) !== (keyFile === undefined))
    throw usageError('COUNTERSIGN_LOG_DIR and COUNTERSIGN_LOG_KEY_FILE must both be set, or neither');
  const signer =
    keyFile === undefined ? undefined : readNoteSigner(await readFile(keyFile, 'utf8').catch(() => ''));
  if (keyFile !== undefined && signer === undefined)
    throw new UserError(
      'COUNTERSIGN_LOG_KEY_FILE is not the file of a log key; make one (countersign audit log key)',
    );
  return {
    ...place,
    sink,
    versions: await versionsOf(context, sink),
    targets: targetsOf(context),
    checkpointAfterMs: CHECKPOINT_AFTER_MS,
    logger: createLogger(settings.COUNTERSIGN_LOG_LEVEL),
    ...(dir !== undefined && signer !== undefined && { log: { dir, signer, heads: await headsOf(context) } }),
  };
}

/** Opens the store that says who may write to the log. It lies with the ledger. */
async function headsOf({ settings, env }: Context): Promise<LogHeads> {
  const loaded = await loadBundle(settings.COUNTERSIGN_BUNDLE, new FileTicketSource(undefined));
  try {
    return new LogHeads({
      url: ledgerAddress(loaded.ok ? loaded.bundle.connectors : [], env),
      maxConnections: 2,
    });
  } catch (error) {
    throw new UserError(
      `the transparency log needs the ledger's database, which says who may write to it: ${error instanceof Error ? error.message : 'unknown'}`,
    );
  }
}
