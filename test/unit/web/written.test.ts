import { html } from 'hono/html';
import { jsx } from 'hono/jsx';
import { WrittenParts } from '../../../src/web/parts/written';

describe('WEB-5, WEB-6 parts of pages that are kept as they were written', () => {
  const parts = new WrittenParts();
  const [subject, bundle] = [{}, {}];
  let times = 0;
  const write = () => {
    times += 1;
    return `<b>${times}</b>`;
  };
  const shown = (about: object, reader: string, context: object, nowMs: number) =>
    String(html`${parts.of(about, reader, context, nowMs, write)}`);

  test('are escaped once, and are those of one reader, one subject and one version of the bundle', () => {
    expect(shown(subject, 'mira', bundle, 0)).toBe('&lt;b&gt;1&lt;/b&gt;');
    expect(shown(subject, 'mira', bundle, 1)).toBe('&lt;b&gt;1&lt;/b&gt;');
    expect(shown(subject, 'nadia', bundle, 1)).toBe('&lt;b&gt;2&lt;/b&gt;');
    expect(shown({}, 'mira', bundle, 1)).toBe('&lt;b&gt;3&lt;/b&gt;');
    expect(shown(subject, 'mira', {}, 1)).toBe('&lt;b&gt;4&lt;/b&gt;');
  });

  test('are written anew after a minute at most', () => {
    const late = {};
    expect(shown(late, 'mira', bundle, 0)).toBe('&lt;b&gt;5&lt;/b&gt;');
    expect(shown(late, 'mira', bundle, 60_000)).toBe('&lt;b&gt;6&lt;/b&gt;');
  });

  test('stand in a page as the elements that they are, with what others wrote escaped', () => {
    const part = () => parts.of(subject, 'sofia', bundle, 0, () => jsx('i', { title: '"x"' }, '<script>'));
    for (let looks = 0; looks < 2; looks += 1)
      expect(String(jsx('li', {}, part(), 'and'))).toBe(
        '<li><i title="&quot;x&quot;">&lt;script&gt;</i>and</li>',
      );
  });
});
