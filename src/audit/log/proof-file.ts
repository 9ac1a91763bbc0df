import { HASH_BYTES, type Hash } from './merkle';

/** A self-contained inclusion proof (c2sp.org/tlog-proof): place, path and signed checkpoint. */
export interface InclusionProof {
  readonly index: number;
  readonly hashes: readonly Hash[];
  /** The log's signed note. */
  readonly checkpoint: string;
}

const HEAD = 'c2sp.org/tlog-proof@v1';
/** A path is as long as the tree is deep. */
const LONGEST_PATH = 64;

export function formatProof({ index, hashes, checkpoint }: InclusionProof): string {
  return [HEAD, `index ${index}`, ...hashes.map((hash) => hash.toString('base64')), '', checkpoint].join(
    '\n',
  );
}

/** Parses a proof. Returns undefined if the text is not one. */
export function parseProof(text: string): InclusionProof | undefined {
  const end = text.indexOf('\n\n');
  if (end < 0) return undefined;
  const lines = text.slice(0, end).split('\n');
  if (lines.shift() !== HEAD) return undefined;
  if (lines[0]?.startsWith('extra ')) lines.shift();
  const [, digits] = /^index (0|[1-9]\d{0,15})$/.exec(lines.shift() ?? '') ?? [];
  if (digits === undefined || lines.length > LONGEST_PATH) return undefined;
  const hashes = lines.map((line) => Buffer.from(line, 'base64'));
  const isCanonical = hashes.every(
    (hash, place) => hash.length === HASH_BYTES && hash.toString('base64') === lines[place],
  );
  return isCanonical ? { index: Number(digits), hashes, checkpoint: text.slice(end + 2) } : undefined;
}
