import type { Command } from 'commander';
import { AS_HELP, KEY_HELP } from '../help';
import type { SignerOptions } from '../signer';

export interface KeysOptions extends SignerOptions {
  readonly gateway?: string;
  readonly registerUrl?: string;
}

/** Adds the options by which a command finds the register, and who acts. */
export function addKeysOptions(command: Command): Command {
  return command
    .option('--as <principal>', `who acts, ${AS_HELP}`)
    .option('--key <file>', KEY_HELP)
    .option('--gateway <url>', 'gateway that keeps the register (default: COUNTERSIGN_GATEWAY)')
    .option('--register-url <url>', 'database of the register, in place of a gateway');
}
