const { readFileSync } = require('node:fs');
const { format } = require('node:util');
const { transformSync } = require('@swc/core');

/*
 * Lets Mocha run the tests of the core, which Jest runs otherwise. Mocha keeps what it has loaded, so that each of some
 * thousand mutants costs only the tests that it needs: few generated histories, and always the same ones, so that a
 * mutant is killed or not for a reason that can be read.
 */
process.env.PROPERTY_EFFORT ??= '0.01';

const swc = {
  jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
  module: { type: 'commonjs' },
  sourceMaps: false,
};

require.extensions['.ts'] = (module, filename) => {
  const { code } = transformSync(readFileSync(filename, 'utf8'), { ...swc, filename });
  module._compile(code, filename);
};

require('fast-check').configureGlobal({ seed: 20_260_105 });

const titled = (title, row) => {
  const values = title.match(/%[sidpjo%]/g)?.length ?? 0;
  return values === 0 ? title : format(title.replaceAll('%i', '%d'), ...row.slice(0, values));
};

/** Jest's tables: one test a row. */
const eachOf = (declare) => (table) => (title, run) => {
  table.forEach((one, index) => {
    const row = Array.isArray(one) ? one : [one];
    declare(`${titled(title, row)} (${index})`, () => run(...row));
  });
};

/** Mocha gives each file its names anew; Jest's are made of them as soon as they are there. */
for (const name of ['it', 'describe']) {
  let declare;
  Object.defineProperty(globalThis, name, {
    get: () => declare,
    set: (given) => {
      declare = Object.assign(given, { each: eachOf(given) });
    },
  });
}
for (const [jest, mocha] of [
  ['test', 'it'],
  ['beforeAll', 'before'],
  ['afterAll', 'after'],
])
  Object.defineProperty(globalThis, jest, { get: () => globalThis[mocha] });
globalThis.expect = require('expect').expect;
