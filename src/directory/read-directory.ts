import { type Digest, digestOfText } from '../domain/digest';
import { checkDirectory } from './check-directory';
import { type DirectoryData, directorySchema } from './directory-file';
import { FileDirectory } from './file-directory';
import { parsePlainYaml } from './plain-yaml';
import { type KeyRecord, readKeys } from './read-keys';
import { type Decoded, type FileProblem, type ProblemPlace, YamlFile, type YamlPath } from './yaml-file';

export interface ReadDirectory {
  readonly directory: FileDirectory;
  /** For problems that only other files bring to light. */
  problem(path: YamlPath, message: string): FileProblem;
}

/** A checked `directory.yaml` as plain data, which one thread can hand to another. */
export interface DecodedDirectory {
  readonly data: DirectoryData;
  readonly keys: ReadonlyMap<string, KeyRecord>;
  readonly digest: Digest;
}

/**
 * Reads `directory.yaml` as a whole.
 *
 * @param name the file name that problems are reported under
 * @param decoded the same text, if it has been decoded already
 */
export function readDirectory(
  name: string,
  text: string,
  decoded: Decoded<DecodedDirectory> = decodeDirectory(name, text),
): Decoded<ReadDirectory> {
  if (!decoded.ok) return decoded;
  const { data, keys, digest } = decoded.value;
  let file: YamlFile | undefined;
  const problem = (path: YamlPath, message: string) => {
    file ??= new YamlFile(name, text);
    return file.problem(path, message);
  };
  return { ok: true, value: { directory: new FileDirectory(data, keys, digest), problem } };
}

/**
 * Decodes and checks `directory.yaml`. This is nearly all the work of reading one. A file with a problem is parsed once more,
 * by the parser that knows lines.
 */
export function decodeDirectory(name: string, text: string): Decoded<DecodedDirectory> {
  const parsed = directorySchema.safeParse(parsePlainYaml(text));
  const decoded = parsed.success ? checked(PLACELESS, parsed.data, text) : undefined;
  return decoded?.ok ? decoded : decodeFile(new YamlFile(name, text), text);
}

function decodeFile(file: YamlFile, text: string): Decoded<DecodedDirectory> {
  const decoded = file.decode(directorySchema);
  return decoded.ok ? checked(file, decoded.value, text) : decoded;
}

function checked(file: ProblemPlace, data: DirectoryData, text: string): Decoded<DecodedDirectory> {
  const { keys, problems: keyProblems } = readKeys(file, data);
  const problems = [...checkDirectory(file, data), ...keyProblems];
  if (problems.length > 0) return { ok: false, problems };
  return { ok: true, value: { data, keys, digest: digestOfText(text) } };
}

/** Stands for a file whose lines nobody asks for. */
const PLACELESS: ProblemPlace = { problem: (_path, message) => ({ file: '', line: 1, message }) };
