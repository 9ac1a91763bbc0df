import { adviceOn, bundleOf, explore, FileTicketSource, readBundleFiles } from '../../../src/policy';
import { EXAMPLE_BUNDLE_DIR } from '../../../src/project';
import { generateKey } from '../../../src/signing/keys';
import { NOW } from './example';

let example: ReadonlyMap<string, string>;
beforeAll(async () => {
  const files = await readBundleFiles(EXAMPLE_BUNDLE_DIR);
  if (!files.ok) throw new Error('the example cannot be read');
  example = files.value;
});

/** The advice on the example with replacements, and the line that each replacement is on. */
function adviceWith(...changes: (readonly [file: string, search: string, replacement: string])[]) {
  const files = new Map(example);
  const lines = changes.map(([file, search, replacement]) => {
    const text = files.get(file) ?? '';
    const at = text.indexOf(search);
    if (at < 0) throw new Error(`${file} has no ${search}`);
    files.set(file, text.slice(0, at) + replacement + text.slice(at + search.length));
    return text.slice(0, at).split('\n').length;
  });
  const loaded = bundleOf(files, new FileTicketSource(undefined));
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  const { bundle } = loaded;
  return { advice: adviceOn(bundle, explore(bundle.context, bundle.identities, NOW), NOW), lines };
}
const named = (advice: ReturnType<typeof adviceWith>['advice'], text: RegExp) =>
  advice.filter(({ message }) => text.test(message));

describe('TGT-4 policy check says beforehand what would surprise people', () => {
  test('nothing in the example but that nobody has enrolled a key yet', () => {
    const { advice } = adviceWith();
    expect(advice.length).toBeGreaterThan(0);
    expect(named(advice, /have no key/)).toEqual(advice);
  });

  test('approvers without a key, by name, until they have one', async () => {
    const withKey = async (name: string) => {
      const { publicJwk } = await generateKey();
      const keys = JSON.stringify([{ jwk: publicJwk, assurance: 'key', channel: 'cli' }]);
      return ['directory.yaml', `{ name: ${name}`, `{ keys: ${keys}, name: ${name}`] as const;
    };
    const before = named(adviceWith().advice, /of production-write have no key/);
    expect(before).toEqual([
      expect.objectContaining({
        file: 'paths.yaml',
        message: expect.stringMatching(/^\d+ of \d+ who may approve/),
      }),
    ]);
    const owners = await Promise.all(['Mira', 'Tomas', 'Lena', 'David', 'Aiko'].map(withKey));
    const [left] = named(adviceWith(...owners.slice(1)).advice, /of production-write have no key/);
    expect(left?.message).toContain('person/mira');
    expect(left?.message).not.toContain('person/tomas');
    expect(left?.line).toBe(before[0]?.line);
    expect(named(adviceWith(...owners).advice, /of production-write have no key/)).toEqual([]);
  });

  test('somebody whom policy lets have something where they have no account', () => {
    const { advice, lines } = adviceWith([
      'directory.yaml',
      '  person/ines: { name: Ines, accounts: { warehouse: ines } }',
      '  person/ines: { name: Ines }',
    ]);
    expect(named(advice, /no account/)).toEqual([
      {
        file: 'directory.yaml',
        line: lines[0],
        message: expect.stringMatching(
          /^policy lets person\/ines have warehouse:\S+, but they have no account there.*add accounts: { warehouse: NAME }$/,
        ),
      },
    ]);
  });

  test('a permit without @max_duration says how long it may last then', () => {
    const { advice, lines } = adviceWith([
      'access.cedar',
      '@path("production-write")\n@max_duration("4h")',
      '@path("production-write")',
    ]);
    expect(named(advice, /max_duration/)).toEqual([
      {
        file: 'access.cedar',
        line: expect.any(Number),
        message:
          'production-write has no @max_duration, and its path production-write has no maxDuration, so what it permits may last 30d; add one',
      },
    ]);
    expect(Math.abs((named(advice, /max_duration/)[0]?.line ?? 0) - (lines[0] ?? 0))).toBeLessThan(4);
  });
});
