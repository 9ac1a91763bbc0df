import { z } from 'zod';
import { YamlFile } from '../../../src/directory/yaml-file';

const problemsOf = (text: string) => {
  const decoded = new YamlFile('directory.yaml', text).decode(z.unknown());
  return decoded.ok ? [] : decoded.problems.map(({ line, message }) => `${line}: ${message}`);
};

describe('YAML that would be misread is refused, with what to do about it', () => {
  test('merge keys', () => {
    expect(problemsOf('base: {}\nother:\n  <<: {}\n')).toEqual([
      '3: "<<" merges nothing here; write out the values that it stands for',
    ]);
  });

  test('a second document', () => {
    expect(problemsOf('people: {}\n---\ngroups: {}\n')).toEqual([
      expect.stringMatching(
        /^[23]: a second YAML document begins here, and only one is read; remove the "---"/,
      ),
    ]);
  });

  test.each([
    ['in a block', 'a: 1\nb: 2\na: 3\n', 3, 'a'],
    ['in a flow', 'x:\n  { a: 1, a: 2 }\n', 2, 'a'],
    ['of which one is quoted', '1: x\n"1": y\n', 2, '1'],
  ])('keys that are there twice, %s', (_where, text, line, key) => {
    expect(problemsOf(text)).toEqual([`${line}: "${key}" is there twice; keep one of the two`]);
  });

  test('aliases', () => {
    expect(problemsOf('a: &x 1\nb: *x\n')).toEqual(['2: aliases are not followed here; write the value out']);
  });

  test('what is fine has no problems', () => {
    expect(problemsOf('a:\n  - { b: 1 }\n  - { b: 2 }\n')).toEqual([]);
  });
});
