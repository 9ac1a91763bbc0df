import { Argument, type Command, type Option } from 'commander';
import type { DefineAll, Run } from './context';
import { addExamples } from './help';
import { done } from './output';

const SHELLS = { bash: bashScript, zsh: zshScript, fish: fishScript };

/** `countersign completion`: what it prints is derived from the commands as they are defined. */
export function define(command: Command, run: Run, defineAll: DefineAll): void {
  command
    .addArgument(new Argument('<shell>').choices(Object.keys(SHELLS)))
    .action((shell: keyof typeof SHELLS) =>
      run(async () => {
        const script = SHELLS[shell](placesBelow(await defineAll()));
        return done({ shell, script }, script.trimEnd());
      }),
    );
  addExamples(
    command,
    ['completion bash > ~/.local/share/bash-completion/completions/countersign'],
    ['completion zsh > ~/.zfunc/_countersign', 'with ~/.zfunc in fpath, before compinit'],
    ['completion fish > ~/.config/fish/completions/countersign.fish'],
  );
}

/** A command that can be completed below: `request submit` is the path of one, the empty path is the program. */
interface Place {
  readonly path: string;
  readonly commands: readonly Command[];
  readonly options: readonly Option[];
}

function placesBelow(command: Command, path = ''): readonly Place[] {
  const helper = command.createHelp();
  const commands = helper.visibleCommands(command);
  const here = { path, commands, options: helper.visibleOptions(command) };
  return [here, ...command.commands.flatMap((sub) => placesBelow(sub, `${path} ${sub.name()}`.trim()))];
}

/** Text in single quotes, as the three shells read it. */
const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
const names = (commands: readonly Command[]): readonly string[] => commands.map((one) => one.name());
const flags = ({ short, long }: Option): readonly string[] =>
  [short, long].filter((flag) => flag !== undefined);
const takesValue = ({ required, optional }: Option): boolean => required || optional;

/** Shell patterns of `PATH WORD` where the word leads on to a deeper command. */
const steps = (places: readonly Place[]): string =>
  places
    .flatMap(({ path, commands }) => names(commands).map((name) => quoted(`${path} ${name}`)))
    .join(' | ');

/** Shell patterns of `PATH FLAG` for the options that take a value, with the values if there are only a few. */
function valueCases(places: readonly Place[], offer: (choices: readonly string[]) => string): string {
  return places
    .flatMap(({ path, options }) =>
      options.filter(takesValue).map((option) => {
        const patterns = flags(option).map((flag) => quoted(`${path} ${flag}`));
        return `    ${patterns.join(' | ')}) ${offer(option.argChoices ?? [])} ;;`;
      }),
    )
    .join('\n');
}

/** File names are what bash offers if the function offers nothing. */
function bashScript(places: readonly Place[]): string {
  const words = places.map(
    ({ path, commands, options }) =>
      `    ${quoted(path)}) commands=${quoted(names(commands).join(' '))} options=${quoted(options.flatMap(flags).join(' '))} ;;`,
  );
  return `# bash completion of countersign
_countersign() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} at='' commands='' options='' i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$at \${COMP_WORDS[i]}" in
      ' --' | *' --') return ;;
      ${steps(places)}) at="\${at:+$at }\${COMP_WORDS[i]}" ;;
    esac
  done
  case "$at $prev" in
${valueCases(places, (choices) => `${choices.length === 0 ? '' : `COMPREPLY=($(compgen -W ${quoted(choices.join(' '))} -- "$cur")); `}return`)}
  esac
  case "$at" in
${words.join('\n')}
  esac
  if [[ $cur == -* ]]; then commands=$options; fi
  COMPREPLY=($(compgen -W "$commands" -- "$cur"))
}
complete -o bashdefault -o default -F _countersign countersign
`;
}

function zshScript(places: readonly Place[]): string {
  const item = (name: string, text: string): string => quoted(`${name}:${text.split('\n')[0]}`);
  const words = places.map(({ path, commands, options }) => {
    const offered = commands.map((one) => item(one.name(), one.description()));
    const flagged = options.flatMap((option) => flags(option).map((flag) => item(flag, option.description)));
    return `    ${quoted(path)}) commands=(${offered.join(' ')}) options=(${flagged.join(' ')}) ;;`;
  });
  return `#compdef countersign
_countersign() {
  local at='' word
  local -a commands options
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "$at $word" in
      *' --') _normal -P; return ;;
      ${steps(places)}) at="\${at:+$at }$word" ;;
    esac
  done
  case "$at $words[CURRENT-1]" in
${valueCases(places, (choices) => (choices.length === 0 ? '_files; return' : `compadd -- ${choices.map(quoted).join(' ')}; return`))}
  esac
  case "$at" in
${words.join('\n')}
  esac
  if [[ $words[CURRENT] == -* ]]; then _describe -o option options; return; fi
  if (( $#commands )); then _describe command commands; else _files; fi
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then _countersign "$@"; else compdef _countersign countersign; fi
`;
}

function fishScript(places: readonly Place[]): string {
  const lines = places.flatMap(({ path, commands, options }) => {
    const here = `complete -c countersign -n ${quoted(`__countersign_at ${fishQuoted(path)}`)}`;
    return [
      ...(commands.length === 0 ? [] : [`${here} -f`]),
      ...commands.map((one) => `${here} -a ${fishQuoted(one.name())} -d ${fishQuoted(one.description())}`),
      ...options.map((option) => `${here} ${fishFlags(option)} -d ${fishQuoted(option.description)}`),
    ];
  });
  return `# fish completion of countersign
function __countersign_at
  set -l at ''
  for word in (commandline -opc)[2..-1]
    switch "$at $word"
      case ${steps(places).replaceAll(' | ', ' ')}
        set at (string trim "$at $word")
    end
  end
  test "$at" = "$argv[1]"
end
${lines.join('\n')}
`;
}

const fishQuoted = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;

function fishFlags(option: Option): string {
  const { short, long, argChoices } = option;
  return [
    ...(short === undefined ? [] : [`-s ${short.slice(1)}`]),
    ...(long === undefined ? [] : [`-l ${long.slice(2)}`]),
    ...(argChoices === undefined ? [] : [`-x -a ${fishQuoted(argChoices.join(' '))}`]),
    ...(takesValue(option) && argChoices === undefined ? ['-r -F'] : []),
  ].join(' ');
}
