import canonicalize from 'canonicalize';
import { z } from 'zod';
import { type RegisterRow, registerRowSchema } from '../../contracts/enrolment';
import type { Logger } from '../../contracts/logger';
import { rowId } from '../../directory/register/row';
import type { Digest } from '../../domain/digest';
import { digestOfText } from '../../domain/digest';
import type { Bundle, BundleSource } from '../../policy/bundle';
import { readVersionList, versionList, versionText } from '../evidence/directory-version';
import type { VersionSource } from '../evidence/export';
import { type PolicyFile, policyDigestOf, policyFilesOf } from '../evidence/policy';
import type { ArchiveSink } from './sink';

const DIRECTORY_FILE = 'directory.yaml';
const filesSchema = z.array(z.strictObject({ name: z.string(), text: z.string() }));

const policyName = (digest: Digest): string => `policy/${digest.replace(':', '.')}.json`;
const directoryName = (digest: Digest): string => `directory/${digest.replace(':', '.')}.yaml`;
/** A version with enrolled keys is kept as a list of digests: its rows are many, and nearly the same in each version. */
const listName = (digest: Digest): string => `directory/${digest.replace(':', '.')}.json`;
const rowName = (id: Digest): string => `register/${id.replace(':', '.')}.json`;
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

/** The versions of policy and directory in an archive. It returns only content that matches the digest. */
export class ArchivedVersions implements VersionSource {
  /** Rows that this process archived, so that each version writes only its new ones. */
  readonly #kept = new Set<Digest>();

  constructor(private readonly sink: ArchiveSink) {}

  async keep(files: ReadonlyMap<string, string>, register: readonly RegisterRow[] = []): Promise<void> {
    const policy = policyFilesOf(files);
    const directory = files.get(DIRECTORY_FILE) ?? '';
    await this.sink.put(policyName(policyDigestOf(policy)), Buffer.from(JSON.stringify(policy)));
    await this.sink.put(directoryName(digestOfText(directory)), Buffer.from(directory));
    if (register.length === 0) return;
    for (const row of register) {
      const id = rowId(row);
      if (this.#kept.has(id)) continue;
      await this.sink.put(rowName(id), Buffer.from(canonicalize(row) ?? ''));
      this.#kept.add(id);
    }
    const list = versionList(directory, register);
    await this.sink.put(listName(digestOfText(list)), Buffer.from(list));
  }

  async policy(digest: Digest): Promise<readonly PolicyFile[] | undefined> {
    const text = await this.sink.get(policyName(digest));
    const files = text && filesSchema.safeParse(parsed(text.toString('utf8')));
    return files?.success && policyDigestOf(files.data) === digest ? files.data : undefined;
  }

  async directory(digest: Digest): Promise<string | undefined> {
    const text = (await this.sink.get(directoryName(digest)))?.toString('utf8');
    if (text !== undefined) return digestOfText(text) === digest ? text : undefined;
    return this.#version(digest);
  }

  /** A version with enrolled keys, put together from its parts. */
  async #version(digest: Digest): Promise<string | undefined> {
    const text = (await this.sink.get(listName(digest)))?.toString('utf8');
    const list = text !== undefined && digestOfText(text) === digest ? readVersionList(text) : undefined;
    if (list === undefined || ![list.directory, ...list.register].every(isDigest)) return undefined;
    const file = await this.directory(list.directory);
    const rows: RegisterRow[] = [];
    for (const id of list.register) {
      const content = await this.sink.get(rowName(id));
      const row = registerRowSchema.safeParse(content && parsed(content.toString('utf8')));
      if (!row.success || rowId(row.data) !== id) return undefined;
      rows.push(row.data);
    }
    return file === undefined ? undefined : versionText(file, rows);
  }

  async digests() {
    const [policies, directories] = await Promise.all([
      this.sink.list('policy/'),
      this.sink.list('directory/'),
    ]);
    // Ignore names that are not digests; others wrote them.
    return {
      policies: policies.map(digestIn).filter(isDigest),
      directories: directories.map(digestIn).filter(isDigest),
    };
  }
}

/**
 * Returns a source that has the versions of one bundle, such as a local folder, and those of another source.
 *
 * @param register rows that are in force over the directory file of the bundle
 */
export function versionsWith(
  files: ReadonlyMap<string, string>,
  others?: VersionSource,
  register: readonly RegisterRow[] = [],
): VersionSource {
  const policy = policyFilesOf(files);
  const policyDigest = policyDigestOf(policy);
  const directory = files.get(DIRECTORY_FILE) ?? '';
  const own = new Map([[digestOfText(directory), directory]]);
  if (register.length > 0)
    own.set(digestOfText(versionList(directory, register)), versionText(directory, register));
  return {
    policy: async (digest) => (digest === policyDigest ? policy : others?.policy(digest)),
    directory: async (digest) => own.get(digest) ?? others?.directory(digest),
    digests: async () => {
      const { policies = [], directories = [] } = (await others?.digests()) ?? {};
      return {
        policies: [...new Set([policyDigest, ...policies])],
        directories: [...new Set([...own.keys(), ...directories])],
      };
    },
  };
}

/** Returns a source that archives each version before a decision uses it. */
export function keepingVersions(
  source: BundleSource,
  archive: ArchivedVersions,
  logger: Logger,
): BundleSource {
  const kept = new WeakSet<Bundle>();
  return {
    current: async () => {
      const bundle = await source.current();
      if (kept.has(bundle)) return bundle;
      try {
        await archive.keep(bundle.files, bundle.register);
        kept.add(bundle);
      } catch (error) {
        // An unreachable archive must not prevent access from ending. The next decision retries.
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
