import type { Command } from 'commander';
import type { Context, Run } from '../context';
import { addExamples } from '../help';
import { type CommandResult, done, printable } from '../output';
import { gatewayOf } from './index';

/** `countersign logout` */
export function define(command: Command, run: Run): void {
  command
    .option('--gateway <url>', 'gateway that was logged in to (default: COUNTERSIGN_GATEWAY)')
    .action((options: { readonly gateway?: string }) => run((context) => logout(options, context)));
  addExamples(command, ['logout --gateway https://access.example.com']);
}

/** Removes the token here, and ends it at the gateway. The first happens whatever the gateway says. */
async function logout(options: { readonly gateway?: string }, context: Context): Promise<CommandResult> {
  const { callGateway, identifierOf } = await import('../../enforcement/index.js');
  const { removeLogin } = await import('./stored-login.js');
  const gateway = identifierOf(gatewayOf(options, context));
  const login = removeLogin(gateway, context);
  if (login === undefined) return done({ gateway, ended: false }, 'there was no login here');
  const { person, token } = login;
  try {
    await callGateway(gateway, 'POST', '/v1/logout', { body: { token } });
    return done({ gateway, person, ended: true }, printable(`${person} is logged out`));
  } catch {
    const until = new Date(login.expiresAtMs).toISOString();
    context.announce(printable(`the gateway does not answer: a copy of the token would read until ${until}`));
    return done({ gateway, person, ended: false }, printable(`the login of ${person} is removed here`));
  }
}
