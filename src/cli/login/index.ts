import type { Command } from 'commander';
import type { Context, Run } from '../context';
import { addExamples } from '../help';
import { parsePort } from '../number';
import { type CommandResult, done, printable, UserError, usageError } from '../output';

interface LoginOptions {
  readonly gateway?: string;
  readonly port?: string;
  /** False with `--no-open`. */
  readonly open: boolean;
}

/** `countersign login` */
export function define(command: Command, run: Run): void {
  command
    .option('--gateway <url>', 'gateway to read from (default: COUNTERSIGN_GATEWAY)')
    .option('--port <n>', 'port on this machine that the browser answers to (default: a free one)')
    .option('--no-open', 'only print the address, open no browser')
    .action((options: LoginOptions) => run((context) => login(options, context)));
  addExamples(command, ['login --gateway https://access.example.com']);
}

/** Returns the address of the gateway that the option or the settings name. @throws UserError of wrong usage */
export function gatewayOf({ gateway }: { readonly gateway?: string }, { settings }: Context): string {
  const address = gateway ?? settings.COUNTERSIGN_GATEWAY;
  if (address === undefined || !URL.canParse(address))
    throw usageError('say which gateway: --gateway https://access.example.com');
  return address;
}

async function login(options: LoginOptions, context: Context): Promise<CommandResult> {
  const address = gatewayOf(options, context);
  const { pageOriginOf } = await import('../../web/origin.js');
  const origin = pageOriginOf(address);
  if (origin === undefined)
    throw usageError(
      `--gateway: pages are served over https or on this machine, at the root of a host: ${address}`,
    );
  const { Loopback } = await import('./loopback.js');
  const { callGateway, identifierOf } = await import('../../enforcement/index.js');
  const { calling } = await import('../gateway-calls.js');
  const { storeLogin } = await import('./stored-login.js');
  const waiting = await Loopback.open(options.port === undefined ? 0 : parsePort(options.port, '--port', 1));
  try {
    const page = waiting.pageAt(origin);
    context.announce(`open ${page}`);
    context.announce(`and go on there if it shows ${waiting.word}`);
    if (options.open) waiting.openBrowser(page);
    const code = await waiting.code();
    const gateway = identifierOf(address);
    const { verifier } = waiting;
    const answer = await calling(() =>
      callGateway(gateway, 'POST', '/v1/login', { body: { code, verifier } }),
    );
    const { readAnswer } = await import('./answer.js');
    const { token, person, expiresAtMs } = readAnswer(answer);
    storeLogin({ gateway, person, token, expiresAtMs }, context);
    const until = new Date(expiresAtMs).toISOString();
    return done(
      { person, gateway, until },
      printable(`reading as ${person} until ${until}`),
      'it reads only: decisions and requests are signed with a key or a passkey',
    );
  } catch (error) {
    if (error instanceof Error && error.name === 'TimeoutError')
      throw new UserError('nobody went on in the browser within five minutes; log in again', 1, 'TIMED_OUT');
    throw error;
  } finally {
    await waiting.close();
  }
}
