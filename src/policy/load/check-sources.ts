import type { FileDirectory } from '../../directory/file-directory';
import { didYouMean } from '../../directory/nearest';
import { type SourcesData, sourcesSchema } from '../../directory/sources/sources-file';
import { type Decoded, type FileProblem, YamlFile } from '../../directory/yaml-file';
import { isChannel } from '../../domain/principal';
import type { BundleFiles } from './bundle-folder';
import type { CatalogData } from './catalog-file';

const SOURCES_FILE = 'sources.yaml';

export interface ReadSources {
  readonly data: SourcesData;
  readonly file: YamlFile;
}

/** Reads `sources.yaml`. The value is undefined if the bundle has none. */
export function readSources(files: BundleFiles): Decoded<ReadSources | undefined> {
  const text = files.get(SOURCES_FILE);
  if (text === undefined) return { ok: true, value: undefined };
  const file = new YamlFile(SOURCES_FILE, text);
  const decoded = file.decode(sourcesSchema);
  return decoded.ok ? { ok: true, value: { data: decoded.value, file } } : decoded;
}

/** Yields names in `sources.yaml` that stand nowhere. A source fills only groups that `directory.yaml` declares. */
export function* checkSources(
  { data, file }: ReadSources,
  directory: FileDirectory,
  catalog: CatalogData,
): Generator<FileProblem> {
  for (const [index, reader] of data.readers.entries())
    if (directory.identity(reader) === undefined)
      yield file.problem(
        ['readers', index],
        `the directory has no identity ${reader}; add it with the key that signs snapshots`,
      );
  for (const [name, { group }] of Object.entries(data.calendars)) {
    if (!directory.hasGroup(group))
      yield file.problem(
        ['calendars', name, 'group'],
        `the directory has no group ${group}; declare it in directory.yaml, with "members: []"${didYouMean(group, directory.groupNames())}`,
      );
    if (Object.hasOwn(data.sources, name))
      yield file.problem(['calendars', name], `is the name of a source too; give the calendar another`);
  }
  for (const [name, { groups, people }] of Object.entries(data.sources)) {
    for (const group of Object.keys(groups))
      if (!directory.hasGroup(group))
        yield file.problem(
          ['sources', name, 'groups', group],
          `the directory has no group ${group}; declare it in directory.yaml, without members if the source has them all${didYouMean(group, directory.groupNames())}`,
        );
    for (const connector of Object.keys(people.accounts))
      if (!Object.hasOwn(catalog.connectors, connector) && !isChannel(connector))
        yield file.problem(
          ['sources', name, 'people', 'accounts', connector],
          `catalog.yaml has no connector ${connector}; correct its name${didYouMean(connector, Object.keys(catalog.connectors))}`,
        );
  }
}

/** Returns the groups whose members sources and calendars give. */
export const filledBy = (sources: ReadSources | undefined): ReadonlySet<string> =>
  new Set([
    ...Object.values(sources?.data.sources ?? {}).flatMap(({ groups }) => Object.keys(groups)),
    ...Object.values(sources?.data.calendars ?? {}).map(({ group }) => group),
  ]);
