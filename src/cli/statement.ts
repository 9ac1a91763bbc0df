import { type Command, Option } from 'commander';
import { VERDICTS } from '../domain/review';
import { OUTCOMES, VERBS, type VerbClaim } from '../domain/statement';
import { VERB_DESCRIPTORS } from '../domain/verbs';
import type { VerbDescriptor } from '../domain/verbs/descriptor';
import type { Run } from './context';
import { AS_HELP, addExamples, GATEWAY_HELP, ID_HELP, KEY_HELP } from './help';
import { MOMENT_HELP } from './moment';
import type { StatementOptions } from './send-statement';

const OWN = {
  stage: new Option('--stage <stage>', 'stage of the path (default: the open one)'),
  for: new Option('--for <duration>', 'approve it for less time than was asked, such as 2h'),
  reasonCode: new Option('--reason-code <code>', 'why, as a code'),
  ticket: new Option('--ticket <ticket>', 'ticket that it belongs to'),
  policyBasis: new Option('--policy-basis <policy>', 'id of the policy that allows it'),
  replace: new Option('--replace <principal>', 'approver to replace'),
  with: new Option('--with <principal>', 'who replaces them'),
  until: new Option('--until <time>', `end of the reroute: ${MOMENT_HELP}`),
  path: new Option('--path <path>', 'another approval path for the request, instead of --replace'),
  condition: new Option('--condition <condition>', 'emergency condition that policy names for reroutes'),
  endorses: new Option('--endorses <jti>', 'the proposed reroute (default: the one that is proposed)'),
  verdict: new Option('--verdict <verdict>', 'verdict of the review').choices(VERDICTS),
  outcome: new Option('--outcome <outcome>', 'outcome of the execution').choices(OUTCOMES),
  offer: new Option(
    '--offer <entitlement>',
    'what you would say yes to instead, as connector:resource#action; the requester takes it with one command',
  ),
  revision: new Option('--revision <n>', 'revision of the path that you saw (default: the current one)'),
};
type Own = keyof typeof OWN;

/** The options that make up each claim. Only a gateway, which signs for others, says who the reporter is. */
const OPTIONS_OF: Readonly<Record<VerbClaim, readonly Own[]>> = {
  stage: ['stage'],
  durationMs: ['for'],
  reasonCode: ['reasonCode'],
  ticket: ['ticket'],
  policyBasis: ['policyBasis'],
  replacement: ['replace', 'with', 'until'],
  switchTo: ['path', 'until'],
  emergencyCondition: ['condition'],
  endorses: ['endorses'],
  verdict: ['verdict'],
  outcome: ['outcome'],
  offer: ['offer'],
  reporter: [],
};

/** Options that default to what the request says. */
const HAS_DEFAULT: readonly Own[] = ['endorses'];

/** The options of a verb, those that it cannot do without first. */
function optionsFor({ claims, speaksAboutPath }: VerbDescriptor): readonly Option[] {
  const { needs = [], needsOneOf = [], takes = [] } = claims;
  const [first = [], ...others] = needsOneOf.map((claim) => OPTIONS_OF[claim]);
  const inEach = first.filter((name) => others.every((names) => names.includes(name)));
  const needed = [...needs.flatMap((claim) => OPTIONS_OF[claim]), ...inEach];
  const mandatory = needed.filter((name) => !HAS_DEFAULT.includes(name));
  const other = [...needs, ...needsOneOf, ...takes].flatMap((claim) => OPTIONS_OF[claim]);
  const names = new Set<Own>([...mandatory, ...other, ...(speaksAboutPath ? (['revision'] as const) : [])]);
  return [...names].map((name) => (mandatory.includes(name) ? required(OWN[name]) : OWN[name]));
}

const lifeHelp = ({ grantRestsOnIt }: VerbDescriptor): string =>
  grantRestsOnIt
    ? 'how long the statement is valid; 24h at most, or what the path says (default: as long as that where access begins later, 8h elsewhere)'
    : 'how long the statement is valid, 24h at most (default: 8h)';

/** `countersign VERB ID`, for every verb: what it takes is derived from the descriptor of the verb. */
export function define(command: Command, run: Run): void {
  const verb = VERBS.find((one) => one === command.name());
  if (verb === undefined) throw new Error(`${command.name()} is not a verb`);
  const options = optionsFor(VERB_DESCRIPTORS[verb]);
  command
    .argument('<id>', ID_HELP)
    .option('--as <principal>', `who signs, ${AS_HELP}`)
    .option('--key <file>', KEY_HELP);
  for (const option of options) command.addOption(option);
  command
    .option('--comment <text>', 'comment for readers of the record')
    .option('--gateway <url>', GATEWAY_HELP)
    .option('--yes', 'sign without asking, as a script has to')
    .option('--life <duration>', lifeHelp(VERB_DESCRIPTORS[verb]))
    .action((id: string, given: StatementOptions) =>
      run(async (context) => {
        // Signing and connecting take longer to load than help may take.
        const { sendStatement } = await import('./send-statement.js');
        return sendStatement(verb, id, given, context);
      }),
    );
  const needed = options
    .filter(({ long, mandatory }) => mandatory || (verb === 'deny' && long === '--reason-code'))
    .map(({ long = '' }) => `${long} ${EXAMPLES[long] ?? 'x'}`);
  addExamples(command, [[`${verb} dc933e65 --as person/mira`, ...needed].join(' ')]);
}

/** Sample values of required options, for the example in the help. */
const EXAMPLES: Readonly<Record<string, string>> = {
  '--reason-code': 'approver-absent',
  '--ticket': 'OPS-1',
  '--policy-basis': 'production-write',
  '--until': '2h',
  '--verdict': 'justified',
  '--outcome': 'succeeded',
};

const required = ({ flags, description, argChoices }: Option): Option => {
  const option = new Option(flags, description).makeOptionMandatory();
  return argChoices === undefined ? option : option.choices(argChoices);
};
