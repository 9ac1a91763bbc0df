import { VERBS } from '../domain/statement';
import { VERB_DESCRIPTORS } from '../domain/verbs';
import type { Define } from './context';

/** A command: its row in the help, and the module that defines it, which is loaded when the command is used. */
export interface CommandRow {
  readonly name: string;
  readonly summary: string;
  readonly group: string;
  readonly load: () => Promise<{ readonly define: Define }>;
}

const ASK = 'Ask for access:';
const DECIDE = 'Sign a decision about a request:';
const PROVE = 'Look back and prove:';
const PREPARE = 'Set up:';
const OPERATE = 'Operate:';

/** Every command. To add one, write its module and its row; help, completion and loading follow from the row. */
export const COMMANDS: readonly CommandRow[] = [
  {
    name: 'request',
    summary: 'submit and inspect access requests',
    group: ASK,
    load: () => import('./request.js'),
  },
  {
    name: 'run',
    summary: 'run a command with access that lasts as long as the command',
    group: ASK,
    load: () => import('./run/index.js'),
  },
  {
    name: 'wait',
    summary: 'wait until a request is decided, and report it in the log of a CI job',
    group: ASK,
    load: () => import('./wait/index.js'),
  },
  {
    name: 'git-credential',
    summary: 'credential helper for git: access that lasts as long as the git command',
    group: ASK,
    load: () => import('./git-credential.js'),
  },
  {
    name: 'login',
    summary: 'sign in in a browser, to read from a gateway without a key',
    group: ASK,
    load: () => import('./login/index.js'),
  },
  {
    name: 'logout',
    summary: 'end the browser sign-in of the command line',
    group: ASK,
    load: () => import('./login/logout.js'),
  },
  {
    name: 'mcp',
    summary: 'serve an AI agent that asks for access (Model Context Protocol on stdin and stdout)',
    group: ASK,
    load: () => import('./mcp.js'),
  },
  {
    name: 'gate',
    summary: 'stand before an MCP server: calls that policy permits pass, others wait for people',
    group: ASK,
    load: () => import('./gate/index.js'),
  },
  ...VERBS.map((name) => ({
    name,
    summary: VERB_DESCRIPTORS[name].purpose,
    group: DECIDE,
    load: () => import('./statement.js'),
  })),
  {
    name: 'audit',
    summary: 'show, export, verify and archive what happened',
    group: PROVE,
    load: () => import('./audit/index.js'),
  },
  {
    name: 'friction',
    summary: 'measure what requests cost people, and find what should be redesigned',
    group: PROVE,
    load: () => import('./friction/index.js'),
  },
  {
    name: 'init',
    summary: 'write a first bundle of your own, and say what to type next',
    group: PREPARE,
    load: () => import('./init/index.js'),
  },
  {
    name: 'import',
    summary: 'draft a bundle from the access rules of another system',
    group: PREPARE,
    load: () => import('./import/index.js'),
  },
  {
    name: 'policy',
    summary: 'check, test, explain and preview a policy bundle',
    group: PREPARE,
    load: () => import('./policy.js'),
  },
  {
    name: 'connector',
    summary: 'list kinds of connectors, check one on its target, print the SQL that sets it up',
    group: PREPARE,
    load: () => import('./connector.js'),
  },
  {
    name: 'enrol',
    summary: 'invite a person to enrol a passkey, by a link for one use',
    group: PREPARE,
    load: () => import('./enrol.js'),
  },
  {
    name: 'keys',
    summary: 'make signing keys; list, endorse and retire enrolled passkeys',
    group: PREPARE,
    load: () => import('./keys/index.js'),
  },
  {
    name: 'directory',
    summary: 'take people and groups from sources; show them, and release changes that are held',
    group: PREPARE,
    load: () => import('./directory/index.js'),
  },
  {
    name: 'notify',
    summary: 'check and test the notifications to people',
    group: PREPARE,
    load: () => import('./notify/index.js'),
  },
  {
    name: 'completion',
    summary: 'print a script that completes commands and options in a shell',
    group: PREPARE,
    load: () => import('./completion.js'),
  },
  {
    name: 'setup',
    summary: 'make what Countersign needs on a Temporal server and in its databases',
    group: PREPARE,
    load: () => import('./setup.js'),
  },
  {
    name: 'doctor',
    summary: 'check this machine, and list the settings and where each comes from',
    group: PREPARE,
    load: () => import('./doctor.js'),
  },
  {
    name: 'up',
    summary: 'run Temporal, an embedded target and a worker in the foreground',
    group: OPERATE,
    load: () => import('./up.js'),
  },
  {
    name: 'demo',
    summary: 'play the main job end to end on a stack of its own',
    group: OPERATE,
    load: () => import('./demo/index.js'),
  },
  {
    name: 'worker',
    summary: 'run a worker: it assesses, verifies, acts on targets, and ends overdue leases',
    group: OPERATE,
    load: () => import('./worker.js'),
  },
  {
    name: 'gateway',
    summary: 'serve decisions, access requests and execution tokens over HTTP (OpenID AuthZEN)',
    group: OPERATE,
    load: () => import('./gateway.js'),
  },
  {
    name: 'codec',
    summary: 'encrypt what the Temporal server stores, and let people read it',
    group: OPERATE,
    load: () => import('./codec.js'),
  },
];
