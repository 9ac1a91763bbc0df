import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Command } from 'commander';
import { stringify } from 'yaml';
import { hasInvisibleInLines, textsIn } from '../../domain/characters';
import { differencesBetween, visible } from '../../gate/definitions';
import { Upstream } from '../../gate/upstream';
import {
  FileTicketSource,
  loadBundle,
  PINS_FILE,
  readToolPins,
  type ToolDefinition,
  type ToolPins,
} from '../../policy';
import { isPacked } from '../../policy/load/bundle-place';
import { packageVersion } from '../../project';
import type { Context, Run } from '../context';
import { type CommandResult, done, printable, UserError, usageError } from '../output';
import { type ServerOptions, serverEnvironment, serverNameOf } from './options';

const HEADER = `# The definitions of tools as somebody has looked at them. A tool whose definition differs is held.
# Written by \`countersign gate pin\`; read what changes before you commit it.

`;

/** `countersign gate pin … -- COMMAND` */
export function definePin(command: Command, run: Run): void {
  command
    .command('pin')
    .description('write down the definitions of the mapped tools; a tool that differs from then on is held')
    .argument('<command...>', 'the command that starts the MCP server, after --')
    .option('--server <name>', 'name of the server in "tools" of the catalog (default: the only one)')
    .option('--bundle <dir>', 'folder of the bundle (default: COUNTERSIGN_BUNDLE)')
    .option('--env-file <file>', 'credentials of the server, NAME=VALUE on each line')
    // Options that `gate` has too are taken by `gate`, wherever they stand.
    .action((server: string[], options: ServerOptions) =>
      run((context) => pin(server, { ...command.opts<ServerOptions>(), ...options }, context)),
    );
}

async function pin(
  command: readonly string[],
  options: ServerOptions,
  context: Context,
): Promise<CommandResult> {
  const { settings, sources } = context;
  const dir = options.bundle ?? settings.COUNTERSIGN_BUNDLE;
  if (await isPacked(dir))
    throw usageError(`${dir} is packed and is not changed; pin in its folder, and pack it again`);
  const loaded = await loadBundle(dir, new FileTicketSource(settings.COUNTERSIGN_TICKETS));
  if (!loaded.ok) {
    const [first] = loaded.problems;
    throw new UserError(
      `${dir}: ${first?.file}:${first?.line}: ${first?.message} (countersign policy check)`,
    );
  }
  const server = serverNameOf(options, loaded.bundle);
  const mapped = loaded.bundle.context.catalog.tools().get(server) ?? [];
  const given = await definitionsOf(command, serverEnvironment(options, sources.environment));
  const found = new Map(
    mapped.flatMap((name) => {
      const definition = given.get(name);
      return definition === undefined ? [] : [[name, definition] as const];
    }),
  );
  for (const [name, definition] of found) refuseInvisible(name, definition);
  const file = path.join(dir, PINS_FILE);
  const pins = pinsIn(file);
  const before = pins[server] ?? {};
  const lines = mapped.flatMap((name) => changesOf(name, before[name], found.get(name)));
  const text = stringify(
    { ...pins, [server]: Object.fromEntries(found) },
    { lineWidth: 0, aliasDuplicateObjects: false },
  );
  writeFileSync(`${file}.new`, HEADER + text);
  renameSync(`${file}.new`, file);
  return done(
    { file, server, pinned: [...found.keys()], changes: lines },
    ...lines.map(printable),
    `${found.size} of ${mapped.length} mapped tools of ${server} are pinned in ${file}; ${given.size - found.size} others are not offered`,
  );
}

function pinsIn(file: string): ToolPins {
  const text = existsSync(file) ? readFileSync(file, 'utf8') : '{}';
  const pins = readToolPins(new Map([[PINS_FILE, text]]));
  if (!pins.ok) throw new UserError(`${file} is not a file of pins; remove it, and pin again`);
  return pins.value;
}

function changesOf(
  name: string,
  before: ToolDefinition | undefined,
  now: ToolDefinition | undefined,
): readonly string[] {
  if (now === undefined) return [`${name}: the server has no such tool`];
  if (before === undefined) return [`${name}: new`];
  return differencesBetween(before, now).map((line) => `${name}: ${line}`);
}

/** What nobody can see, nobody has looked at. */
function refuseInvisible(name: string, definition: ToolDefinition): void {
  for (const { text, path: at } of textsIn(definition))
    if (hasInvisibleInLines(text))
      throw new UserError(
        `${name}: ${at.join('.')} has characters that nobody can see, so it is not pinned: ${visible(text.slice(0, 500))}`,
        1,
        'INVISIBLE_CHARACTERS',
      );
}

const INITIALIZE = {
  protocolVersion: '2025-06-18',
  capabilities: {},
  clientInfo: { name: 'countersign', version: packageVersion() },
};

async function definitionsOf(command: readonly string[], env: Record<string, string>) {
  if (command.length === 0) throw usageError('give the command that starts the MCP server, after --');
  const upstream = new Upstream(command, env, () => undefined);
  const ended = upstream.run();
  try {
    const ready = await upstream.call('initialize', INITIALIZE);
    if (ready.kind !== 'result')
      throw new UserError(`${command.join(' ')} is not an MCP server on stdin and stdout, or ended at once`);
    upstream.send({ jsonrpc: '2.0', method: 'notifications/initialized' });
    return await upstream.definitions();
  } finally {
    upstream.end();
    await ended;
  }
}
