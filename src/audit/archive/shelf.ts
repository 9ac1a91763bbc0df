import { z } from 'zod';
import type { Digest } from '../../domain/digest';
import { digestOfText } from '../../domain/digest';
import type { Bundle, BundleSource } from '../../policy/bundle';
import { type PolicyFile, policyDigestOf, policyFilesOf } from '../evidence/policy';
import type { ArchiveSink } from './sink';

const DIRECTORY_FILE = 'directory.yaml';
const filesSchema = z.array(z.strictObject({ name: z.string(), text: z.string() }));

/** Versions of policy and directory, each under its digest: what evidence rests on, kept for as long as evidence. */
export interface BundleShelf {
  policy(digest: Digest): Promise<readonly PolicyFile[] | undefined>;
  /** The text of `directory.yaml`. */
  directory(digest: Digest): Promise<string | undefined>;
  digests(): Promise<{ readonly policies: readonly Digest[]; readonly directories: readonly Digest[] }>;
}

const policyName = (digest: Digest): string => `policy/${digest.replace(':', '.')}.json`;
const directoryName = (digest: Digest): string => `directory/${digest.replace(':', '.')}.yaml`;
const digestIn = (name: string): Digest =>
  name
    .replace(/^[a-z]+\//, '')
    .replace(/\.(json|yaml)$/, '')
    .replace('sha-256.', 'sha-256:');

const isDigest = (text: string): boolean => /^sha-256:[\w-]{43}$/.test(text);

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A shelf in an archive. What it hands out is what the digest says, or nothing. */
export class ArchivedShelf implements BundleShelf {
  constructor(private readonly sink: ArchiveSink) {}

  async keep(files: ReadonlyMap<string, string>): Promise<void> {
    const policy = policyFilesOf(files);
    const directory = files.get(DIRECTORY_FILE) ?? '';
    await this.sink.put(policyName(policyDigestOf(policy)), Buffer.from(JSON.stringify(policy)));
    await this.sink.put(directoryName(digestOfText(directory)), Buffer.from(directory));
  }

  async policy(digest: Digest): Promise<readonly PolicyFile[] | undefined> {
    const text = await this.sink.get(policyName(digest));
    const files = text && filesSchema.safeParse(parsed(text.toString('utf8')));
    return files?.success && policyDigestOf(files.data) === digest ? files.data : undefined;
  }

  async directory(digest: Digest): Promise<string | undefined> {
    const text = (await this.sink.get(directoryName(digest)))?.toString('utf8');
    return text !== undefined && digestOfText(text) === digest ? text : undefined;
  }

  async digests() {
    const [policies, directories] = await Promise.all([
      this.sink.list('policy/'),
      this.sink.list('directory/'),
    ]);
    // What else lies there was not put there by us.
    return {
      policies: policies.map(digestIn).filter(isDigest),
      directories: directories.map(digestIn).filter(isDigest),
    };
  }
}

/** A shelf with one bundle, such as the folder at hand, on top of another shelf. */
export function shelfWith(files: ReadonlyMap<string, string>, below?: BundleShelf): BundleShelf {
  const policy = policyFilesOf(files);
  const policyDigest = policyDigestOf(policy);
  const directory = files.get(DIRECTORY_FILE) ?? '';
  const directoryDigest = digestOfText(directory);
  return {
    policy: async (digest) => (digest === policyDigest ? policy : below?.policy(digest)),
    directory: async (digest) => (digest === directoryDigest ? directory : below?.directory(digest)),
    digests: async () => {
      const { policies = [], directories = [] } = (await below?.digests()) ?? {};
      return {
        policies: [...new Set([policyDigest, ...policies])],
        directories: [...new Set([directoryDigest, ...directories])],
      };
    },
  };
}

/** Keeps every version that a source hands out before anything is decided by it. */
export function keepingVersions(
  source: BundleSource,
  shelf: ArchivedShelf,
  logger: { error(about: object, message: string): void },
): BundleSource {
  const kept = new WeakSet<Bundle>();
  return {
    current: async () => {
      const bundle = await source.current();
      if (kept.has(bundle)) return bundle;
      try {
        await shelf.keep(bundle.files);
        kept.add(bundle);
      } catch (error) {
        // An archive that is down must not stop the ending of access. It is tried again with the next decision.
        const reason = error instanceof Error ? error.message : 'unknown';
        logger.error(
          { reason, policy: bundle.policy.digest },
          'this version of policy could not be archived',
        );
      }
      return bundle;
    },
  };
}
