import { readEngine } from '../../../src/policy/evaluate/cedar-engine';

const NAMES = ['zoned', 'b-side', 'm-case', 'aside', 'y-axis', 'k-nine'];
const SCHEMA = {
  file: 'schema.cedarschema',
  text: 'entity Agent; entity Table; action "read" appliesTo { principal: [Agent], resource: [Table] };',
};
const POLICIES = {
  file: 'access.cedar',
  text: NAMES.map(
    (name) => `@id("${name}") @path("policy-alone")\npermit (principal, action, resource);`,
  ).join('\n'),
};

describe('AUD-3 whoever asks the same question again hears the same answer, to the letter', () => {
  test('policies that determine a decision are told in one order, though Cedar has none', () => {
    const told = new Set<string>();
    for (let times = 0; times < 30; times += 1) {
      const read = readEngine(`engine ${times}`, SCHEMA, [POLICIES]);
      if (!read.ok) throw new Error(JSON.stringify(read.problems));
      const answer = read.engine.ask({
        principal: { type: 'Agent', id: 'atlas' },
        action: 'read',
        resource: { type: 'Table', id: 'revenue' },
        context: {},
        entities: [],
      });
      if (answer.decision === 'error') throw new Error(answer.message);
      told.add(answer.rules.map(({ id }) => id).join(' '));
    }
    expect([...told]).toEqual([[...NAMES].sort().join(' ')]);
  });
});
