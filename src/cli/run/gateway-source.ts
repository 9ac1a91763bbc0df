import path from 'node:path';
import { identifierOf } from '../../enforcement';
import type { Context } from '../context';
import { usageError } from '../output';
import { findKeyFile, principalOf, type SignerOptions } from '../signer';
import { findTokenSource, type TokenSource, tokensOf } from './token-source';

/** Options by which a command says who asks a gateway. */
export interface GatewayCallerOptions extends SignerOptions {
  readonly tokenFile?: string;
}

/** A gateway, and by what it knows this process. */
export interface KnownGateway {
  readonly gateway: string;
  readonly source: TokenSource;
}

/** @throws UserError of wrong usage if both a key and a token are named */
export function checkOneCaller({ tokenFile, as, key }: GatewayCallerOptions): void {
  if (tokenFile !== undefined && (as !== undefined || key !== undefined))
    throw usageError('--token-file: the token names who asks; leave --as and --key out');
}

/**
 * Finds by what a gateway knows this process: a key if one is named, else the token of a file or of the job. A token is
 * fetched once, so that nothing starts without one.
 *
 * @throws UserError if the address is none, or there is no token
 */
export async function knownGateway(
  address: string,
  options: GatewayCallerOptions,
  context: Context,
): Promise<KnownGateway> {
  if (!URL.canParse(address) || !/^https?:$/.test(new URL(address).protocol))
    throw usageError('--gateway: not an address such as https://countersign.example');
  const gateway = identifierOf(address);
  if (options.as !== undefined || options.key !== undefined) {
    const principal = principalOf(options, context);
    // Absolute, because the keeper of `run` has a folder of its own.
    const file = path.resolve(findKeyFile(principal, options.key, context));
    return { gateway, source: { kind: 'key', principal, file } };
  }
  const source = findTokenSource(options.tokenFile, context.env);
  await tokensOf(source, gateway)();
  return { gateway, source };
}
