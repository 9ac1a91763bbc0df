import type { CountersignClient } from '../../client';
import type { Stack } from '../../stack/up';
import type { Cast } from './cast';
import type { Script } from './steps';

/** What a scene plays with. */
export interface Demo {
  readonly stack: Stack;
  readonly client: CountersignClient;
  readonly cast: Cast;
  readonly script: Script;
}

/** One part of the demo. It checks what it shows. */
export type Scene = (demo: Demo) => Promise<void>;
