import { type Command, Help, type Option } from 'commander';
import { paint, type Terminal } from './terminal';

/** How help describes what several commands take. */
export const ID_HELP = 'request id, or at least the first 4 characters of it';
export const AS_HELP = 'for example person/mira (default: COUNTERSIGN_AS, or `as` in config.yaml)';
export const GATEWAY_HELP =
  'go through this gateway with a registered key, not to Temporal (default: COUNTERSIGN_GATEWAY if no Temporal is known)';
export const KEY_HELP =
  'private key (default: COUNTERSIGN_KEY, `key` in config.yaml, or the one that `up` made)';

const REQUIRED = 'Required:';

/**
 * Formats the help of a command and of every command that is added to it later. Options that a command cannot do without
 * stand first and in the usage line. Lines are as wide as the terminal, or 80 characters in a file.
 */
export function configureHelp(command: Command, terminal: Terminal): void {
  const helper = new Help();
  const helpWidth = terminal.columns ?? 80;
  const term = (text: string): string => paint('cyan', text, terminal);
  command.configureOutput({
    getOutHelpWidth: () => helpWidth,
    getErrHelpWidth: () => helpWidth,
    // Colour is decided by `terminal` alone, so nothing has to be stripped afterwards.
    getOutHasColors: () => true,
    getErrHasColors: () => true,
  });
  command.configureHelp({
    helpWidth,
    commandUsage: (one) => wrapped(helper, usageOf(one), helpWidth),
    visibleCommands: (one) => helper.visibleCommands(one).filter((sub) => sub.name() !== 'help'),
    subcommandTerm: (one) => [one.name(), ...argumentsOf(one)].join(' '),
    groupItems: (unsorted, visible, groupOf) => {
      const groups = helper.groupItems(unsorted, visible, groupOf);
      const required = groups.get(REQUIRED);
      return required === undefined ? groups : new Map([[REQUIRED, required], ...groups]);
    },
    styleTitle: (text) => paint('bold', text, terminal),
    styleUsage: (text) => text,
    styleSubcommandTerm: term,
    styleOptionTerm: term,
    styleArgumentTerm: term,
  });
}

/** Puts the required options of a command and of its subcommands under a heading of their own. */
export function markRequired(command: Command): void {
  for (const option of command.options) if (option.mandatory) option.helpGroup(REQUIRED);
  for (const sub of command.commands) markRequired(sub);
}

/** A command line without the leading `countersign`, and what it is good for if that does not show. */
export type Example = readonly [line: string, purpose?: string];

/** Ends the help of a command with examples. */
export function addExamples(command: Command, ...examples: readonly Example[]): void {
  const lines = examples.flatMap(([line, purpose]) => [
    ...(purpose === undefined ? [] : [`  # ${purpose}`]),
    `  $ countersign ${line}`,
  ]);
  command.addHelpText('after', ['', command.createHelp().styleTitle('Examples:'), ...lines].join('\n'));
}

const isMandatory = ({ mandatory }: Option): boolean => mandatory;

function usageOf(command: Command): string {
  const path: string[] = [];
  for (let one: Command | null = command; one !== null; one = one.parent) path.unshift(one.name());
  const options = command.options.filter(isMandatory).map(({ flags }) => flags.replace(/^-\w, /, ''));
  const subcommand = command.commands.length > 0 ? ['<command>'] : [];
  return [...path, ...options, '[options]', ...subcommand, ...argumentsOf(command)].join(' ');
}

const argumentsOf = ({ registeredArguments }: Command): readonly string[] =>
  registeredArguments.map((argument) => {
    const name = `${argument.name()}${argument.variadic ? '...' : ''}`;
    return argument.required ? `<${name}>` : `[${name}]`;
  });

/** Breaks a usage line, and indents what follows to stand behind the word `Usage:`. */
const wrapped = (helper: Help, usage: string, width: number): string => {
  const indent = 'Usage: '.length;
  return helper.boxWrap(usage, width - indent).replaceAll('\n', `\n${' '.repeat(indent)}`);
};
