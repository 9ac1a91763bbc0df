import { type Command, Option } from 'commander';
import { OUTCOMES, VERBS, VERDICTS, type Verb } from '../domain/statement';

/** What a verb is given on the command line. Each verb takes what its rule reads, and no more. */
export interface StatementOptions {
  readonly as: string;
  readonly key?: string;
  readonly stage?: string;
  readonly reasonCode?: string;
  readonly ticket?: string;
  readonly policyBasis?: string;
  readonly replace?: string;
  readonly with?: string;
  readonly until?: string;
  readonly path?: string;
  readonly condition?: string;
  readonly endorses?: string;
  readonly verdict?: string;
  readonly outcome?: string;
  readonly comment?: string;
  readonly revision?: string;
  readonly life: string;
}

const OWN = {
  stage: new Option('--stage <stage>', 'the stage that is meant (default: the open one)'),
  reasonCode: new Option('--reason-code <code>', 'why, as a code'),
  ticket: new Option('--ticket <ticket>', 'ticket that it belongs to'),
  policyBasis: new Option('--policy-basis <policy>', 'id of the policy that allows it'),
  replace: new Option('--replace <principal>', 'approver to replace'),
  with: new Option('--with <principal>', 'who replaces them'),
  until: new Option('--until <time>', 'end of the reroute: a duration such as 2h, or an ISO time'),
  path: new Option('--path <path>', 'another approval path for the request to go by, in place of --replace'),
  condition: new Option('--condition <condition>', 'emergency condition that policy names for reroutes'),
  endorses: new Option('--endorses <jti>', 'the proposed reroute (default: the one that is proposed)'),
  verdict: new Option('--verdict <verdict>', 'what came of it').choices(VERDICTS),
  outcome: new Option('--outcome <outcome>', 'what became of it').choices(OUTCOMES),
  revision: new Option('--revision <n>', 'revision of the path that you saw (default: the current one)'),
};
type Own = keyof typeof OWN;

interface VerbUse {
  readonly purpose: string;
  /** Without these the rule of the verb refuses it. */
  readonly needs?: readonly Own[];
  readonly takes?: readonly Own[];
}

const USES: Readonly<Record<Verb, VerbUse>> = {
  approve: { purpose: 'say yes to the open stage', takes: ['stage', 'revision'] },
  deny: {
    purpose: 'say no; it ends the request',
    takes: ['stage', 'reasonCode', 'ticket', 'revision'],
  },
  confirm: { purpose: 'confirm scope and intent as the sponsor or owner', takes: ['revision'] },
  reroute: {
    purpose: "put another approver in someone's place, or take another path, for a time (governance)",
    needs: ['reasonCode', 'ticket', 'policyBasis', 'until'],
    takes: ['replace', 'with', 'path', 'stage', 'condition', 'revision'],
  },
  endorse: {
    purpose: 'put a proposed reroute into force (second governor)',
    takes: ['endorses', 'revision'],
  },
  cancel: {
    purpose: 'end a pending request of others (process owner)',
    needs: ['reasonCode'],
    takes: ['ticket'],
  },
  withdraw: { purpose: 'end your own pending request', takes: ['reasonCode'] },
  revoke: { purpose: 'end a grant that is alive', takes: ['reasonCode', 'ticket'] },
  review: { purpose: 'give a verdict on an emergency grant', needs: ['verdict'], takes: ['ticket'] },
  report: {
    purpose: 'say what became of an approved execution (the identity that keeps the record)',
    needs: ['outcome'],
    takes: ['reasonCode'],
  },
};

/** Registers a command for each verb, with its own options. */
export function registerVerbs(
  program: Command,
  send: (verb: Verb, id: string, options: StatementOptions) => void,
): void {
  for (const verb of VERBS) {
    const { purpose, needs = [], takes = [] } = USES[verb];
    const command = program
      .command(verb)
      .description(purpose)
      .argument('<id>', 'request id')
      .requiredOption('--as <principal>', 'who signs, for example person/mira')
      .option('--key <file>', 'private key of the signer (default: the one that `up` made)');
    for (const name of needs) command.addOption(required(OWN[name]));
    for (const name of takes) command.addOption(OWN[name]);
    command
      .option('--comment <text>', 'for those who read the record')
      .option('--life <duration>', 'how long the statement counts, 24h at most', '8h')
      .action((id: string, options: StatementOptions) => send(verb, id, options));
  }
}

const required = ({ flags, description, argChoices }: Option): Option => {
  const option = new Option(flags, description).makeOptionMandatory();
  return argChoices === undefined ? option : option.choices(argChoices);
};
