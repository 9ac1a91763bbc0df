import type { Command } from 'commander';
import { registerSearchAttributes, sayLacking, searchAttributeCommands } from '../stack/search-attributes';
import type { Context, Run } from './context';
import { type CommandResult, done, failed } from './output';
import { setUpDatabase } from './setup-database';
import { connectTemporal, temporalConfig } from './temporal';

/** `countersign setup temporal` and `countersign setup database` */
export function define(command: Command, run: Run): void {
  command
    .command('temporal')
    .description('register the search attributes that a namespace lacks; leaves the others as they are')
    .option('--print', 'print the commands for an administrator of Temporal to run, and connect to nothing')
    .action(({ print }: { readonly print?: true }) =>
      run((context) => (print === true ? printed(context) : registered(context))),
    );
  command
    .command('database')
    .description(
      'bring the tables of ledger, lease book and register up to date, as programs do when they first use them',
    )
    .action(() => run(setUpDatabase));
}

async function printed({ sources }: Context): Promise<CommandResult> {
  const { namespace } = temporalConfig(sources.stack);
  const commands = searchAttributeCommands(namespace);
  return done({ namespace, commands }, ...commands);
}

async function registered({ sources }: Context): Promise<CommandResult> {
  const { connection, namespace } = await connectTemporal(sources.stack);
  try {
    const { missing, otherType } = await registerSearchAttributes(connection, namespace);
    const data = { namespace, registered: missing, otherType };
    const lines = [
      missing.length === 0
        ? `namespace ${namespace} has every search attribute of ours`
        : `registered in namespace ${namespace}: ${missing.join(', ')}`,
    ];
    const wrong = sayLacking({ missing: [], otherType });
    return wrong === undefined
      ? done(data, ...lines)
      : failed({ code: 'NOT_READY', message: wrong }, data, ...(missing.length === 0 ? [] : lines));
  } finally {
    await connection.close();
  }
}
