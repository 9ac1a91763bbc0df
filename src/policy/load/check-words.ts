import { z } from 'zod';
import { skeletonOf } from '../../directory/look-alike';
import type { ReadDirectory } from '../../directory/read-directory';
import type { FileProblem, YamlFile } from '../../directory/yaml-file';
import { hasInvisibleInLines, isBlank, isNormal, textsIn, withMarks } from '../../domain/characters';

/** What of the texts in a file people could not read, or would read as something else. For live bundles; old ones are read as they are. */
export function* checkWords(file: YamlFile): Generator<FileProblem> {
  const content = file.decode(z.unknown());
  if (!content.ok) return;
  for (const { path, text, isName } of textsIn(content.value)) {
    const why = unreadable(text);
    if (why === undefined) continue;
    const at = isName ? [...path, text] : path.map((step) => (/^\d+$/.test(step) ? Number(step) : step));
    yield file.problem(at, `${JSON.stringify(withMarks(text.slice(0, 64)))} ${why}`);
  }
}

function unreadable(text: string): string | undefined {
  if (hasInvisibleInLines(text)) return 'has a character that nobody can see; take it out';
  if (text !== '' && isBlank(text)) return 'has nothing to read; write something, or leave it out';
  if (!isNormal(text)) return 'is not in Unicode normalization form C (NFC); normalize the file';
  return undefined;
}

/** The same for the names in a directory. */
export function* checkNames({ directory, problem }: ReadDirectory): Generator<FileProblem> {
  for (const { text, path } of directory.names) {
    const why = unreadable(text);
    if (why !== undefined) yield problem(path, `${JSON.stringify(withMarks(text))} ${why}`);
  }
}

/**
 * Names of people that a reader cannot tell apart: the same twice, or alike by the confusable skeleton of UTS 39 (section 4). It is no
 * fault of a file, because people do bear the same name; whoever answers for the directory should know.
 */
export function lookAlikes({ directory, problem }: ReadDirectory): readonly FileProblem[] {
  const known = new Map<string, string>();
  return directory.names.flatMap(({ id, text, path }) => {
    if (path[0] !== 'people') return [];
    const skeletons = [skeletonOf(text), `small ${skeletonOf(text.toLowerCase())}`];
    const other = skeletons.flatMap((one) => known.get(one) ?? [])[0];
    for (const one of skeletons) if (!known.has(one)) known.set(one, id);
    if (other === undefined) return [];
    return [problem(path, `the name of ${id} reads like that of ${other}; tell them apart`)];
  });
}
