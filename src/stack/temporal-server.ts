import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { SEARCH_ATTRIBUTES } from '../contracts/names';
import { type ChildSpec, type Ending, startChild } from './child-process';
import { messageOf } from './errors';
import { requireFreePort } from './free-port';
import { lastLines } from './log-file';
import { waitForTemporal } from './temporal-ready';

export interface TemporalServerOptions {
  /** The Temporal CLI. */
  readonly binary: string;
  /** The folder of the database and the log. */
  readonly stateDir: string;
  readonly port: number;
  /** Port of the web UI; without it there is none. */
  readonly uiPort?: number;
  readonly namespace?: string;
  readonly readyWithinMs?: number;
  /** Dynamic configuration of the server, by the names in Temporal's documentation. */
  readonly dynamicConfig?: Readonly<Record<string, string>>;
}

export interface TemporalServer {
  readonly address: string;
  readonly pid: number;
  readonly ended: Promise<Ending>;
  stop(): Promise<Ending>;
  kill(): Promise<Ending>;
}

/**
 * If more events than this arrive during a workflow task (100 by default), the server fails the task, and the SDK (1.24) then
 * records the results of local activities in an order that no replay can follow. This limit is higher than what one request can
 * receive: the server accepts 10,000 signals and 2,000 updates.
 */
export const SERVER_SETTINGS: Readonly<Record<string, string>> = {
  'history.maximumBufferedEventsBatch': '16384',
};

const READY_WITHIN_MS = 30_000;
/** The dev server stops in half a second, or later if workers poll it. */
export const TEMPORAL_STOPS_WITHIN_MS = 10_000;

const TYPE_NAMES = {
  KEYWORD: 'Keyword',
  KEYWORD_LIST: 'KeywordList',
  DATETIME: 'Datetime',
  BOOL: 'Bool',
} as const;

/** Returns how to run the dev server: on loopback only, with its database in the state folder. */
export function temporalServerSpec(options: TemporalServerOptions): ChildSpec {
  const logs = path.join(options.stateDir, 'logs');
  mkdirSync(logs, { recursive: true, mode: 0o700 });
  return {
    name: 'temporal',
    command: options.binary,
    args: [
      ...['server', 'start-dev', '--ip', '127.0.0.1', '--port', String(options.port)],
      ...(options.uiPort === undefined ? ['--headless'] : ['--ui-port', String(options.uiPort)]),
      ...(options.namespace === undefined ? [] : ['--namespace', options.namespace]),
      ...['--db-filename', path.join(options.stateDir, 'temporal.db')],
      // Twice as many starts and signals a second as with the defaults. A commit may be lost if the machine fails, not if the process does.
      ...['--sqlite-pragma', 'journal_mode=WAL', '--sqlite-pragma', 'synchronous=NORMAL'],
      ...Object.entries(SEARCH_ATTRIBUTES).flatMap(([name, type]) => [
        '--search-attribute',
        `${name}=${TYPE_NAMES[type]}`,
      ]),
      ...Object.entries({ ...SERVER_SETTINGS, ...options.dynamicConfig }).flatMap(([name, value]) => [
        '--dynamic-config-value',
        `${name}=${value}`,
      ]),
      ...['--log-level', 'error'],
    ],
    env: baseEnvironment(),
    logFile: path.join(logs, 'temporal.log'),
  };
}

/** Starts the dev server and waits until it answers. If it does not, stops it and throws an error with its last log lines. */
export async function startTemporalServer(options: TemporalServerOptions): Promise<TemporalServer> {
  await requireFreePort(options.port, 'Temporal');
  const spec = temporalServerSpec(options);
  const child = await startChild(spec);
  const address = `127.0.0.1:${options.port}`;
  let ending: Ending | undefined;
  void child.ended.then((how) => {
    ending = how;
  });
  try {
    await waitForTemporal(
      { address, namespace: options.namespace ?? 'default' },
      {
        timeoutMs: options.readyWithinMs ?? READY_WITHIN_MS,
        givenUp: () => (ending === undefined ? undefined : `the Temporal server did not start: ${ending}`),
      },
    );
  } catch (error) {
    await child.kill();
    throw new Error([messageOf(error), ...lastLines(spec.logFile)].join(' | '), { cause: error });
  }
  return {
    address,
    pid: child.pid,
    ended: child.ended,
    stop: () => child.stop(TEMPORAL_STOPS_WITHIN_MS),
    kill: () => child.kill(),
  };
}

/** Returns the variables that any program needs, without our settings. */
export function baseEnvironment(env: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  const kept = ['PATH', 'HOME', 'TMPDIR', 'TZ', 'LANG', 'LC_ALL', 'XDG_CACHE_HOME', 'XDG_CONFIG_HOME'];
  return Object.fromEntries(kept.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])));
}
