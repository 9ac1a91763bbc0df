import {
  GetObjectCommand,
  HeadObjectCommand,
  type PutObjectCommandInput,
  PutObjectRetentionCommand,
  paginateListObjectsV2,
  S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { LARGEST_ITEM_BYTES, TooLarge } from './sink';

export interface S3Options {
  /** Whatever speaks S3, such as `https://s3.example.com`. AWS itself if absent. */
  readonly endpoint?: string;
  /** The SDK's own choice (AWS_REGION, a profile) if absent. */
  readonly region?: string;
  readonly bucket: string;
  /** Before every name; empty, or ending in a slash. */
  readonly prefix: string;
  /** How long the storage keeps each object whatever anybody says. The bucket must have Object Lock. */
  readonly retention?: Retention;
  /** The SDK's default chain if absent. */
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
  readonly nowMs?: () => number;
}

/** In mode `governance` a login with a right of its own can still delete; in mode `compliance` nobody can. */
export interface Retention {
  readonly mode: 'governance' | 'compliance';
  readonly days: number;
}

const ANSWER_WITHIN_MS = 30_000;
const CONNECT_WITHIN_MS = 5_000;
/** What is larger goes up in parts of this size. */
const PART_BYTES = 16 * 1_048_576;
const DAY_MS = 86_400_000;

// The SDK's word about old versions of Node is for who chooses the SDK, and would stand in the output of commands.
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';

/** The calls of S3 that an archive needs. Errors hold no address and no credentials. */
export class S3Objects {
  readonly #client: S3Client;

  constructor(private readonly options: S3Options) {
    const { endpoint, region, credentials } = options;
    this.#client = new S3Client({
      requestHandler: {
        requestTimeout: ANSWER_WITHIN_MS,
        connectionTimeout: CONNECT_WITHIN_MS,
        throwOnRequestTimeout: true,
      },
      ...(region !== undefined && { region }),
      ...(endpoint !== undefined && { endpoint, forcePathStyle: true }),
      ...(credentials !== undefined && { credentials }),
    });
  }

  async exists(key: string): Promise<boolean> {
    const head = await orMissing(() => this.#client.send(new HeadObjectCommand(this.#at(key))));
    return head !== undefined;
  }

  /** Reads an object. @throws TooLarge if it is larger than anything that we write */
  read(key: string): Promise<Buffer | undefined> {
    return orMissing(async () => {
      const { Body: body } = await this.#client.send(new GetObjectCommand(this.#at(key)));
      const chunks: Uint8Array[] = [];
      let length = 0;
      for await (const chunk of body?.transformToWebStream() ?? []) {
        length += chunk.length;
        if (length > LARGEST_ITEM_BYTES) throw new TooLarge(key);
        chunks.push(chunk);
      }
      return Buffer.concat(chunks, length);
    });
  }

  /** Writes an object, in parts if it is large. Returns false if there is one already, or another writer is writing it. */
  async create(key: string, content: Buffer): Promise<boolean> {
    const params = { ...this.#at(key), Body: content, IfNoneMatch: '*', ...this.#lock() };
    try {
      await new Upload({ client: this.#client, params, partSize: PART_BYTES }).done();
      return true;
    } catch (error) {
      if ([409, 412].includes(statusOf(error) ?? 0)) return false;
      throw publicError(error);
    }
  }

  /** Sees to it that an object that was there is kept as new ones are. @throws Error if the bucket has no Object Lock */
  async keep(key: string): Promise<void> {
    const { ObjectLockMode: Mode, ObjectLockRetainUntilDate: RetainUntilDate } = this.#lock();
    if (Mode === undefined) return;
    try {
      const head = await this.#client.send(new HeadObjectCommand(this.#at(key)));
      if (head.ObjectLockMode !== undefined) return;
      const Retention = { Mode, RetainUntilDate };
      await this.#client.send(new PutObjectRetentionCommand({ ...this.#at(key), Retention }));
    } catch (error) {
      throw publicError(error);
    }
  }

  async list(prefix: string): Promise<readonly string[]> {
    const input = { Bucket: this.options.bucket, Prefix: prefix };
    try {
      const keys: string[] = [];
      for await (const page of paginateListObjectsV2({ client: this.#client }, input))
        keys.push(...(page.Contents ?? []).flatMap(({ Key: key }) => key ?? []));
      return keys;
    } catch (error) {
      throw publicError(error);
    }
  }

  close(): void {
    this.#client.destroy();
  }

  #at(key: string) {
    return { Bucket: this.options.bucket, Key: key };
  }

  #lock(): Pick<PutObjectCommandInput, 'ObjectLockMode' | 'ObjectLockRetainUntilDate'> {
    const { retention, nowMs = Date.now } = this.options;
    if (retention === undefined) return {};
    return {
      ObjectLockMode: retention.mode === 'compliance' ? 'COMPLIANCE' : 'GOVERNANCE',
      ObjectLockRetainUntilDate: new Date(nowMs() + retention.days * DAY_MS),
    };
  }
}

async function orMissing<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (statusOf(error) === 404 && !isNamed(error, 'NoSuchBucket')) return undefined;
    throw publicError(error);
  }
}

const statusOf = (error: unknown): number | undefined =>
  error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined;

const isNamed = (error: unknown, name: string): boolean => error instanceof Error && error.name === name;

/** The message of an error may name the address, and that of a provider of credentials a file. */
function publicError(error: unknown): Error {
  if (error instanceof TooLarge) return error;
  const status = statusOf(error);
  if (isNamed(error, 'CredentialsProviderError'))
    return new Error(
      'no AWS credentials were found: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile or a role',
    );
  if (error instanceof Error && /region is missing/i.test(error.message))
    return new Error(
      'the region of the archive is not known: add ?region= to its address, or set AWS_REGION',
    );
  if (status === undefined) return new Error('the storage cannot be reached');
  const name = error instanceof Error && /^[A-Za-z]{1,60}$/.test(error.name) ? ` (${error.name})` : '';
  return new Error(`the storage answered ${status}${name}`);
}
