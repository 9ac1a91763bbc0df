import { readFileSync } from 'node:fs';
import path from 'node:path';
import { FolderSink } from './folder-sink';
import { PostgresqlSink } from './postgresql-sink';
import { S3Sink } from './s3-sink';
import type { ArchiveSink } from './sink';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Opens the archive at an address: a folder, `s3://BUCKET/PREFIX?endpoint=URL&region=REGION` with the credentials of the AWS_…
 * variables, or `postgres://…`.
 *
 * @throws Error with one line, without the address, if something is missing
 */
export function openArchive(address: string, env: Environment): ArchiveSink {
  if (/^postgres(ql)?:\/\//.test(address)) return new PostgresqlSink(address);
  if (address.startsWith('s3://')) return openS3(address, env);
  return new FolderSink(path.resolve(address));
}

function openS3(address: string, env: Environment): ArchiveSink {
  let url: URL;
  try {
    url = new URL(address);
  } catch {
    throw new Error('an archive in S3 has the form s3://BUCKET/PREFIX?endpoint=URL&region=REGION');
  }
  const accessKeyId = env['AWS_ACCESS_KEY_ID'];
  const secretAccessKey = env['AWS_SECRET_ACCESS_KEY'];
  const sessionToken = env['AWS_SESSION_TOKEN'];
  if (!accessKeyId || !secretAccessKey)
    throw new Error('an archive in S3 needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY');
  const region = url.searchParams.get('region') ?? env['AWS_REGION'] ?? 'us-east-1';
  const folder = url.pathname.replace(/^\/+|\/+$/g, '');
  return new S3Sink({
    endpoint: url.searchParams.get('endpoint') ?? `https://s3.${region}.amazonaws.com`,
    region,
    bucket: url.hostname,
    prefix: folder === '' ? '' : `${folder}/`,
    accessKeyId,
    secretAccessKey,
    ...(sessionToken && { sessionToken }),
  });
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
