import { accessRequestSchema, newRequestSchema } from '../../../src/contracts/request';
import { bundleOf, FileTicketSource, readBundleFiles } from '../../../src/policy';
import { EXAMPLE_BUNDLE_DIR } from '../../../src/project';
import { aRequest } from '../../support/domain/builders';

const HIDDEN = ['\u200b', '\u2060', '\u00ad', '\ufeff', '\u{e0041}', '\u3164', '\u2800', '\u115f', '\u034f'];
const named = (text: string): string => [...text].map((one) => one.codePointAt(0)?.toString(16)).join(' ');

describe('TTA-5, APB-1 what people decide by can be read', () => {
  const parse = (changes: object) => newRequestSchema.safeParse({ ...aRequest(), ...changes });

  it.each(
    HIDDEN.map((one) => [named(one), one]),
  )('a new request hides nothing in its words: %s', (_code, hidden) => {
    for (const member of ['reason', 'ticket', 'containment', 'rollback'])
      expect(parse({ [member]: `OPS${hidden}17` }).success).toBe(false);
  });

  it.each([' ', '\u3000', '\u00a0 \u2003'])('a new request says something', (blank) => {
    expect(parse({ reason: blank }).success).toBe(false);
    expect(parse({ ticket: blank }).success).toBe(false);
  });

  it('a new request is in normalization form C', () => {
    expect(parse({ reason: 'cafe\u0301' }).success).toBe(false);
    expect(parse({ reason: 'caf\u00e9', containment: 'stop it\nand wait' }).success).toBe(true);
  });

  it('a request on record is read as it was', () => {
    for (const reason of [...HIDDEN, 'cafe\u0301', ' '])
      expect(accessRequestSchema.safeParse({ ...aRequest(), reason }).success).toBe(true);
  });

  const bundleWith = async (file: string, search: RegExp, replacement: string) => {
    const files = await readBundleFiles(EXAMPLE_BUNDLE_DIR);
    if (!files.ok) throw new Error('no example bundle');
    const text = files.value.get(file) ?? '';
    expect(text).toMatch(search);
    const changed = new Map(files.value).set(file, text.replace(search, replacement));
    return bundleOf(changed, new FileTicketSource(undefined));
  };
  const title = /title: [A-Z][^,}\n]*/;

  it.each([...HIDDEN, 'e\u0301'])('a bundle hides nothing in its words', async (hidden) => {
    const loaded = await bundleWith('catalog.yaml', title, `title: "Pay${hidden}ments"`);
    expect(loaded.ok ? [] : loaded.problems).toEqual([
      expect.objectContaining({ file: 'catalog.yaml', line: expect.any(Number) }),
    ]);
  });

  it('a bundle says something where it says anything', async () => {
    const loaded = await bundleWith('catalog.yaml', title, 'title: "\u3000"');
    expect(loaded.ok).toBe(false);
  });

  it.each([
    ['a Cyrillic letter', 'M\u0456ra'],
    ['the same name', 'Mira'],
    ['other case', 'MIRA'],
  ])('people whose names look alike are reported: %s', async (_what, name) => {
    const files = await readBundleFiles(EXAMPLE_BUNDLE_DIR);
    const text = (files.ok ? files.value.get('directory.yaml') : undefined) ?? '';
    const of = (id: string) => new RegExp(`(person/${id}:\\s*\\n?\\s*(?:\\{ )?name: )[^,}\\n]*`);
    const changed = text.replace(of('mira'), '$1Mira').replace(of('tomas'), `$1${name}`);
    const loaded = files.ok
      ? bundleOf(new Map(files.value).set('directory.yaml', changed), new FileTicketSource(undefined))
      : undefined;
    expect(loaded?.ok && loaded.bundle.notes.map(({ message }) => message)).toEqual([
      expect.stringMatching(/the name of person\/tomas reads like that of person\/mira/),
    ]);
  });
});
