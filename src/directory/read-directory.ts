import { digestOfText } from '../domain/digest';
import { checkDirectory } from './check-directory';
import { directorySchema } from './directory-file';
import { FileDirectoryBook } from './file-directory-book';
import { readKeys } from './read-keys';
import { type Decoded, YamlFile } from './yaml-file';

export interface ReadDirectory {
  readonly book: FileDirectoryBook;
  /** For problems that only other files bring to light. */
  readonly file: YamlFile;
}

/**
 * Reads `directory.yaml` as a whole.
 *
 * @param name the file name that problems are reported under
 */
export function readDirectory(name: string, text: string): Decoded<ReadDirectory> {
  const file = new YamlFile(name, text);
  const decoded = file.decode(directorySchema);
  if (!decoded.ok) return decoded;
  const { keys, problems: keyProblems } = readKeys(file, decoded.value);
  const problems = [...checkDirectory(file, decoded.value), ...keyProblems];
  if (problems.length > 0) return { ok: false, problems };
  return { ok: true, value: { book: new FileDirectoryBook(decoded.value, keys, digestOfText(text)), file } };
}
