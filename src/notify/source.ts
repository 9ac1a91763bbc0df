import { statSync } from 'node:fs';
import path from 'node:path';
import type { PrincipalId } from '../domain/principal';
import type { ChannelConfig, NotifyConfig } from './notify-file';
import { type NotifySetup, readNotify } from './read-notify-file';

/** The part of a structured logger that notifications use. */
export interface NotifyLog {
  info(about: object, message: string): void;
  warn(about: object, message: string): void;
  error(about: object, message: string): void;
}

/** Hands out the last good `notify.yaml`; nothing before there was a good one. */
export class NotifySource {
  #setup: NotifySetup | undefined;
  #version: string | undefined;
  /** What was wrong when it was last read; nothing where it was good. */
  #wrong: string | undefined;

  constructor(
    private readonly file: string,
    private readonly logger: NotifyLog,
  ) {}

  /**
   * Reads the file again where it, or a secret that it names, has changed; and as long as it is bad, each time: what mends
   * it may be a secret that only it names, or someone new in the directory. What is wrong is reported once.
   */
  current(knows: (id: PrincipalId) => boolean): NotifySetup | undefined {
    const version = this.#versionNow();
    if (version === this.#version && this.#wrong === undefined) return this.#setup;
    const read = readNotify(this.file, knows);
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
      return [channel.urlFile];
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
