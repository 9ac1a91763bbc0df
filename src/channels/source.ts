import { statSync } from 'node:fs';
import path from 'node:path';
import type { Logger } from '../contracts/logger';
import type { PrincipalId } from '../domain/principal';
import type { PushSubscriptions } from '../push/subscriptions';
import type { ChannelConfig, NotifyConfig } from './notify-file';
import { type NotifySetup, readNotify } from './read-notify-file';

/** Hands out the last valid `notify.yaml`, or undefined before there was one. */
export class NotifySource {
  #setup: NotifySetup | undefined;
  #version: string | undefined;
  /** What was wrong at the last read. Undefined if it was valid. */
  #wrong: string | undefined;

  constructor(
    private readonly file: string,
    private readonly logger: Logger,
    private readonly subscriptions?: PushSubscriptions,
  ) {}

  /**
   * Reads the file again if it or one of its secrets has changed. While it is invalid, reads it every time, because a new secret
   * or a new person in the directory can make it valid. Logs each problem once.
   */
  current(knows: (id: PrincipalId) => boolean): NotifySetup | undefined {
    const version = this.#versionNow();
    if (version === this.#version && this.#wrong === undefined) return this.#setup;
    const read = readNotify(this.file, knows, this.subscriptions);
    if (read.ok) {
      this.close();
      this.#setup = read.setup;
      this.#wrong = undefined;
      this.logger.info({ channels: [...read.setup.notifiers.keys()] }, 'notifications configured');
    } else {
      const wrong = JSON.stringify(read.problems);
      if (wrong !== this.#wrong || version !== this.#version)
        for (const problem of read.problems)
          this.logger.error(problem, 'notify.yaml refused; the last good one stays');
      this.#wrong = wrong;
    }
    this.#version = this.#versionNow();
    return this.#setup;
  }

  close(): void {
    for (const notifier of this.#setup?.notifiers.values() ?? []) notifier.close();
  }

  #versionNow(): string {
    const folder = path.dirname(path.resolve(this.file));
    const named = this.#setup === undefined ? [] : filesOf(this.#setup.config);
    return [path.basename(this.file), ...named].map((name) => stamp(path.resolve(folder, name))).join('\n');
  }
}

const filesOf = ({ channels }: NotifyConfig): readonly string[] =>
  Object.values(channels).flatMap(filesOfChannel);

function filesOfChannel(channel: ChannelConfig): readonly string[] {
  switch (channel.kind) {
    case 'email':
      return [channel.passwordFile ?? [], channel.caFile ?? []].flat();
    case 'webhook':
      return [channel.secretFile];
    case 'chat':
    case 'teams':
      return [channel.urlFile];
    case 'slack':
      return [channel.tokenFile];
    case 'mattermost':
      return [channel.tokenFile, channel.choices?.secretFile ?? []].flat();
    case 'push':
      return [channel.keyFile];
  }
}

function stamp(file: string): string {
  try {
    const { size, mtimeMs, ino } = statSync(file);
    return `${size} ${mtimeMs} ${ino}`;
  } catch {
    return 'unreadable';
  }
}
