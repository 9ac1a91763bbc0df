import { readFileSync } from 'node:fs';
import path from 'node:path';
import { FolderSink } from './folder-sink';
import { PostgresqlSink } from './postgresql-sink';
import type { Retention } from './s3-objects';
import { S3Sink } from './s3-sink';
import type { ArchiveSink } from './sink';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Opens the archive at an address: a folder, `s3://BUCKET/PREFIX?…` with the SDK's default chain of credentials, or `postgres://…`.
 *
 * @throws Error with one line, without the address, if something is missing
 */
export function openArchive(address: string, env: Environment): ArchiveSink {
  if (/^postgres(ql)?:\/\//.test(address)) return new PostgresqlSink(address);
  if (address.startsWith('s3://')) return openS3(address, env);
  return new FolderSink(path.resolve(address));
}

const S3_FORM = 's3://BUCKET/PREFIX?endpoint=URL&region=REGION&retain=DAYS&mode=governance|compliance';
const S3_OPTIONS = ['endpoint', 'region', 'retain', 'mode'];
/** Longer than any rule asks for. A retention in mode `compliance` cannot be taken back. */
const LONGEST_RETENTION_DAYS = 36_500;

function openS3(address: string, env: Environment): ArchiveSink {
  let url: URL;
  try {
    url = new URL(address);
  } catch {
    throw new Error(`an archive in S3 has the form ${S3_FORM}`);
  }
  const options = url.searchParams;
  const unknown = [...options.keys()].find(
    (name, place, all) => !S3_OPTIONS.includes(name) || all.indexOf(name) !== place,
  );
  if (unknown !== undefined)
    throw new Error(`an archive in S3 has the form ${S3_FORM}; "${unknown}" is not known, or is there twice`);
  const endpoint = options.get('endpoint') ?? undefined;
  // Storage that is not of AWS has no regions, but the signature needs one.
  const region =
    options.get('region') ?? env['AWS_REGION'] ?? (endpoint === undefined ? undefined : 'us-east-1');
  const folder = url.pathname.replace(/^\/+|\/+$/g, '');
  const retention = retentionOf(options.get('retain'), options.get('mode'));
  return new S3Sink({
    bucket: url.hostname,
    prefix: folder === '' ? '' : `${folder}/`,
    ...(endpoint !== undefined && { endpoint }),
    ...(region !== undefined && { region }),
    ...(retention && { retention }),
  });
}

function retentionOf(days: string | null, mode: string | null): Retention | undefined {
  if (days === null && mode === null) return undefined;
  const count = /^[1-9]\d{0,5}$/.test(days ?? '') ? Number(days) : Number.NaN;
  if (!(count <= LONGEST_RETENTION_DAYS) || (mode !== 'governance' && mode !== 'compliance'))
    throw new Error(
      `an archive in S3 with Object Lock needs both retain=DAYS (1 to ${LONGEST_RETENTION_DAYS}) and mode=governance or mode=compliance`,
    );
  return { days: count, mode };
}

/** Returns the address of the archive: the setting itself, or the content of the file in the other setting. */
export function archiveAddress(settings: {
  readonly COUNTERSIGN_ARCHIVE?: string;
  readonly COUNTERSIGN_ARCHIVE_FILE?: string;
}): string | undefined {
  const file = settings.COUNTERSIGN_ARCHIVE_FILE;
  if (file === undefined) return settings.COUNTERSIGN_ARCHIVE;
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    throw new Error('cannot read the file that COUNTERSIGN_ARCHIVE_FILE names');
  }
}
