import { copyFileSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { freePort } from '../../src/stack/free-port';
import { findTemporalBinary } from '../../src/stack/temporal-binary';
import {
  startTemporalServer,
  type TemporalServer,
  type TemporalServerOptions,
} from '../../src/stack/temporal-server';

/** A Temporal dev server for one test file, with its database in a folder of its own. */
export interface TestServer {
  readonly address: string;
  readonly stateDir: string;
  /** Kills the server without warning (SIGKILL). */
  kill(): Promise<void>;
  /** Stops the server in an orderly way and keeps the database. */
  halt(): Promise<void>;
  /** Starts it again on the same port and database, after `kill` or `halt`. */
  restart(): Promise<void>;
  /** Copies the database of the stopped server, starts it again, and returns what puts the copy back. */
  backUp(): Promise<() => Promise<void>>;
  /** Ends the server for good and removes its folder. */
  stop(): Promise<void>;
}

export type TestServerOptions = Pick<TemporalServerOptions, 'dynamicConfig'>;

/** Starts a dev server on free ports. Call `stop` in `afterAll`. */
export async function startTestServer(about: TestServerOptions = {}): Promise<TestServer> {
  const { path: binary } = await findTemporalBinary();
  // The server also picks free ports itself, and sometimes another test takes one first.
  for (let tries = 1; ; tries += 1) {
    try {
      return await startOnFreePort(binary, about);
    } catch (error) {
      if (tries === 3) throw error;
    }
  }
}

async function startOnFreePort(binary: string, about: TestServerOptions): Promise<TestServer> {
  const stateDir = mkdtempSync(path.join(tmpdir(), 'countersign-temporal-'));
  const port = await freePort();
  const start = (): Promise<TemporalServer> => startTemporalServer({ binary, stateDir, port, ...about });
  let server: TemporalServer;
  try {
    server = await start();
  } catch (error) {
    rmSync(stateDir, { recursive: true, force: true });
    throw error;
  }
  return {
    address: server.address,
    stateDir,
    kill: async () => void (await server.kill()),
    halt: async () => void (await server.stop()),
    restart: async () => {
      server = await start();
    },
    backUp: async () => {
      const copy = mkdtempSync(path.join(tmpdir(), 'countersign-temporal-copy-'));
      const whileStopped = async (from: string, to: string) => {
        await server.stop();
        for (const name of readdirSync(to)) if (name.startsWith('temporal.db')) rmSync(path.join(to, name));
        for (const name of readdirSync(from))
          if (name.startsWith('temporal.db')) copyFileSync(path.join(from, name), path.join(to, name));
        server = await start();
      };
      await whileStopped(stateDir, copy);
      return async () => {
        await whileStopped(copy, stateDir);
        rmSync(copy, { recursive: true });
      };
    },
    stop: async () => {
      // A test's database needs no orderly stop.
      await server.kill();
      rmSync(stateDir, { recursive: true, force: true });
    },
  };
}
