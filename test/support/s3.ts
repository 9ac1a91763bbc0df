import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { toStderr } from '../../src/stack/announce';
import { cacheDir } from '../../src/stack/cache';
import { freePort } from '../../src/stack/free-port';
import { eventuallyTrue } from './harness-wait';

const VERSION = 'v1.8.0';

/** A real S3 server for one test file, which checks every signature: Versity's gateway over a folder. */
export interface TestS3 {
  readonly endpoint: string;
  readonly bucket: string;
  /** With Object Lock. */
  readonly lockedBucket: string;
  readonly client: S3Client;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  stop(): void;
}

export async function startS3(): Promise<TestS3> {
  const binary = s3Program();
  const folder = mkdtempSync(path.join(tmpdir(), 'countersign-s3-'));
  const bucket = 'evidence';
  const lockedBucket = 'kept';
  const [data, meta, versions] = ['data', 'meta', 'versions'].map((name) => path.join(folder, name));
  for (const one of [data, meta, versions]) mkdirSync(one ?? '');
  const port = await freePort();
  const accessKeyId = 'countersign-test';
  const secretAccessKey = 'a secret for the tests';
  const child = spawn(
    binary,
    [
      ...['--port', `127.0.0.1:${port}`, '--quiet', 'posix'],
      ...['--sidecar', meta ?? '', '--versioning-dir', versions ?? '', data ?? ''],
    ],
    {
      env: {
        PATH: process.env['PATH'] ?? '',
        ROOT_ACCESS_KEY: accessKeyId,
        ROOT_SECRET_KEY: secretAccessKey,
      },
      stdio: 'ignore',
    },
  );
  const endpoint = `http://127.0.0.1:${port}`;
  await eventuallyTrue('the S3 server answers', () =>
    fetch(endpoint).then(
      () => true,
      () => false,
    ),
  );
  const credentials = { accessKeyId, secretAccessKey };
  const client = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials });
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  await client.send(new CreateBucketCommand({ Bucket: lockedBucket, ObjectLockEnabledForBucket: true }));
  return {
    endpoint,
    bucket,
    lockedBucket,
    accessKeyId,
    secretAccessKey,
    client,
    stop: () => {
      client.destroy();
      child.kill('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Returns the path of the server's program, which is built once into the cache. */
export function s3Program(): string {
  const folder = path.join(cacheDir(), `versitygw-${VERSION}`);
  const file = path.join(folder, 'versitygw');
  if (existsSync(file)) return file;
  toStderr(
    `building a server of S3's protocol with Go (github.com/versity/versitygw ${VERSION}); takes minutes, once`,
  );
  const draft = `${folder}.${process.pid}`;
  mkdirSync(draft, { recursive: true });
  execFileSync('go', ['install', `github.com/versity/versitygw/cmd/versitygw@${VERSION}`], {
    env: { ...process.env, GOBIN: draft },
    stdio: 'inherit',
  });
  rmSync(folder, { recursive: true, force: true });
  renameSync(draft, folder);
  return file;
}
