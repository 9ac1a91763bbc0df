import path from 'node:path';
import type { Command } from 'commander';
import { principalId } from '../../contracts/request';
import { Register } from '../../directory/register/register';
import { SnapshotStore } from '../../directory/sources/store';
import type { PrincipalId } from '../../domain/principal';
import { byKey, HolderKey, identifierOf, Requester } from '../../enforcement';
import { ApprovedCalls } from '../../gate/approved-calls';
import { CallLog } from '../../gate/call-log';
import { ChangedTools } from '../../gate/changed-tools';
import { KnownPrecedents } from '../../gate/known-precedents';
import { StdioGate } from '../../gate/stdio-gate';
import { ToolGate } from '../../gate/tool-gate';
import { Upstream } from '../../gate/upstream';
import { ledgerAddress, PostgresqlLedger, registerAddress } from '../../ledger';
import { authorityOver, createBundleSource, FileTicketSource, withRegister, withSources } from '../../policy';
import type { Context, Run } from '../context';
import { parseDurationMs } from '../duration';
import { AS_HELP, addExamples, KEY_HELP } from '../help';
import { createLogger } from '../logger';
import { type CommandResult, done, usageError } from '../output';
import { findKey, principalOf, type SignerOptions } from '../signer';
import { type ServerOptions, serverEnvironment, serverNameOf } from './options';
import { definePin } from './pin';

interface GateOptions extends SignerOptions, ServerOptions {
  readonly executorAs: string;
  readonly executorKey?: string;
  readonly onBehalfOf?: readonly string[];
  readonly gateway?: string;
  readonly logDir?: string;
  readonly wait: string;
  readonly observe?: true;
}

/** `countersign gate … -- COMMAND`: an MCP server behind policy and people. */
export function define(command: Command, run: Run): void {
  command
    .argument('[command...]', 'the command that starts the MCP server, after --')
    .option('--as <principal>', `the agent, ${AS_HELP}`)
    .option('--key <file>', KEY_HELP)
    .option(
      '--executor-as <principal>',
      'identity of the gate, which the catalog names as the audience of the actions',
      'service/gate',
    )
    .option('--executor-key <file>', 'private key of the gate (default: the one that `up` made)')
    .option(
      '--on-behalf-of <principal...>',
      'whom the agent acts for, nearest first; approvers see it, and none of them can approve',
    )
    .option(
      '--gateway <url>',
      'address of the gateway (default: COUNTERSIGN_GATEWAY, or `gateway` in config.yaml)',
    )
    .option('--server <name>', 'name of the server in "tools" of the catalog (default: the only one)')
    .option('--bundle <dir>', 'folder of the bundle (default: COUNTERSIGN_BUNDLE)')
    .option(
      '--env-file <file>',
      'credentials of the server, NAME=VALUE on each line; the agent gets none of them',
    )
    .option('--log-dir <dir>', 'folder for the record of calls (default: `gate` in COUNTERSIGN_STATE_DIR)')
    .option(
      '--wait <duration>',
      'how long a call waits for people before the agent is told to call again',
      '20s',
    )
    .option('--observe', 'pass on tools that the catalog does not map, and record what would become of them')
    .action((server: string[], options: GateOptions) => run((context) => serve(server, options, context)));
  addExamples(command, [
    'gate --as agent/atlas --executor-as service/gate -- npx --no-install mcp-server-filesystem /srv/files',
    'an agent starts this in place of the server',
  ]);
  definePin(command, run);
}

async function serve(
  command: readonly string[],
  options: GateOptions,
  context: Context,
): Promise<CommandResult> {
  const { settings, env, sources } = context;
  if (command.length === 0) throw usageError('give the command that starts the MCP server, after --');
  const agent = agentOf(options, context);
  const executorId = principalIn(options.executorAs, '--executor-as');
  const onBehalfOf = (options.onBehalfOf ?? []).map((one) => principalIn(one, '--on-behalf-of'));
  const waitMs = parseDurationMs(options.wait, '--wait');
  const url = options.gateway ?? settings.COUNTERSIGN_GATEWAY;
  if (url === undefined || !URL.canParse(url))
    throw usageError('--gateway: give the address of the gateway, or set COUNTERSIGN_GATEWAY');
  const gateway = identifierOf(url);
  const logger = createLogger(settings.COUNTERSIGN_LOG_LEVEL);
  const tickets = new FileTicketSource(settings.COUNTERSIGN_TICKETS);
  const files = await createBundleSource(options.bundle ?? settings.COUNTERSIGN_BUNDLE, { tickets, logger });
  const loaded = await files.current();
  const server = serverNameOf(options, loaded);
  const { connectors } = loaded;
  const ledger = new PostgresqlLedger({
    url: ledgerAddress(connectors, env),
    maxConnections: 4,
    log: logger,
  });
  const register = new Register({ url: registerAddress(connectors, env), logger });
  const snapshots = new SnapshotStore({ url: registerAddress(connectors, env), logger });
  const bundles = withRegister(withSources(files, snapshots, logger), register, logger);
  const key = await findKey(agent, options.key, context);
  const executorKey = await findKey(executorId, options.executorKey, context);
  const asker = byKey(agent, key, gateway, onBehalfOf);
  const log = await CallLog.open(
    options.logDir ?? path.join(settings.COUNTERSIGN_STATE_DIR, 'gate'),
    `${new Date().toISOString().replaceAll(':', '')}-${process.pid}.jsonl`,
  );
  const common = { log, nowMs: Date.now };
  const upstream: Upstream = new Upstream(
    command,
    serverEnvironment(options, sources.environment),
    (message, line) => stdio.fromServer(message, line),
  );
  const executor = await Requester.at({ gateway, credential: byKey(executorId, executorKey, gateway) });
  const approved = new ApprovedCalls({
    ...common,
    agent: await Requester.at({ gateway, credential: asker, holderKey: await HolderKey.make() }),
    executor,
    executorId,
    authority: authorityOver(bundles, ledger),
    stillAsApproved: (parameters) =>
      gate.stillAsApproved(parameters, () => upstream.definitionOf(parameters.tool, true)),
    forward: (name, given) => upstream.call('tools/call', { name, arguments: given }),
    pageOf: (request) => `${gateway}/requests/${request}`,
  });
  const gate: ToolGate = new ToolGate({
    ...common,
    changes: new ChangedTools((changed) => executor.reportToolChange(changed)),
    ...{ server, agent, executorId, onBehalfOf, bundles, approved, waitMs },
    precedents: new KnownPrecedents((entry) => ledger.lookUp(entry)),
    isOnRecord: (requests) => ledger.isOnRecord(requests),
    definitionOf: (tool) => upstream.definitionOf(tool),
    observe: options.observe === true,
  });
  const stdio: StdioGate = new StdioGate({
    ...{ server, gate, observe: options.observe === true },
    bundle: () => bundles.current(),
    input: process.stdin,
    output: process.stdout,
  });
  await log.append({ event: 'started', server, agent, executor: executorId, onBehalfOf });
  context.announce(`the gate is before ${server}, for ${agent}; it records calls in ${log.path}`);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => upstream.end());
  // A client that sends what is no stream of messages is done, like one that closes the connection.
  void stdio
    .serve(upstream)
    .catch(() => undefined)
    .finally(() => upstream.end());
  const exitCode = await upstream.run();
  stdio.serverEnded();
  process.stdin.destroy();
  await stdio.settled();
  await log.close();
  await ledger.close();
  await register.close();
  await snapshots.close();
  return { ...done({ stopped: true }), exitCode };
}

function agentOf(options: GateOptions, context: Context): PrincipalId {
  const agent = principalOf(options, context);
  // With a person's key, an agent could decide as that person elsewhere.
  if (agent.startsWith('person/'))
    throw usageError('--as: an agent acts as itself, for example agent/atlas, and not as a person');
  return agent;
}

function principalIn(text: string, option: string): PrincipalId {
  const principal = principalId.safeParse(text);
  if (!principal.success) throw usageError(`${option}: ${JSON.stringify(text)} is not a principal id`);
  return principal.data;
}
