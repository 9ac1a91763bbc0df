import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Command } from 'commander';
import type { Context, Run } from '../context';
import { type CommandResult, done, failed, printable, UserError, usageError } from '../output';
import type { Importer } from './kinds';

interface ImportOptions {
  readonly into: string;
}

const KINDS: Readonly<Record<string, { readonly title: string; readonly load: () => Promise<Importer> }>> = {
  teleport: {
    title: 'roles and users of Teleport (YAML)',
    load: async () => (await import('./teleport.js')).fromTeleport,
  },
  team: {
    title: 'eligibility and approver policies of AWS IAM Identity Center TEAM (JSON)',
    load: async () => (await import('./team.js')).fromTeam,
  },
  'sso-elevator': {
    title: 'approval configuration of terraform-aws-sso-elevator (JSON)',
    load: async () => (await import('./sso-elevator.js')).fromSsoElevator,
  },
  kubernetes: {
    title: 'RoleBindings and ClusterRoleBindings of Kubernetes (YAML)',
    load: async () => (await import('./kubernetes.js')).fromKubernetes,
  },
  codeowners: {
    title: 'CODEOWNERS of GitHub',
    load: async () => (await import('./codeowners.js')).fromCodeowners,
  },
};

/** `countersign import` */
export function define(command: Command, run: Run): void {
  command
    .argument('<kind>', `what the files are: ${Object.keys(KINDS).join(', ')}`)
    .argument('<files...>', 'files to read')
    .option('--into <dir>', 'folder to write the draft into; it must have no bundle yet', 'imported')
    .action((kind: string, files: string[], options: ImportOptions) =>
      run((context) => importFiles(kind, files, options, context)),
    );
}

async function importFiles(
  kind: string,
  files: readonly string[],
  { into }: ImportOptions,
  _context: Context,
): Promise<CommandResult> {
  const known = Object.hasOwn(KINDS, kind) ? KINDS[kind] : undefined;
  if (known === undefined)
    throw usageError(
      `${JSON.stringify(kind)} is nothing that can be imported; there are ${Object.entries(KINDS)
        .map(([name, { title }]) => `${name} (${title})`)
        .join(', ')}`,
    );
  const dir = path.resolve(into);
  if (existsSync(path.join(dir, 'bundle')) || existsSync(path.join(dir, 'IMPORT.md')))
    throw new UserError(
      `${into} has a bundle already, and import changes none; name another folder with --into`,
    );
  const { readSources } = await import('./source.js');
  const { draftOf } = await import('./draft-of.js');
  const { place } = await import('../init/place.js');
  const { texts, accounted, problems, complete } = await draftOf(
    kind,
    await known.load(),
    await readSources(files),
  );
  const { written } = await place(dir, texts, async () => {});
  const { expressed, left } = accounted;
  const data = { dir, written, expressed, left, complete, problems };
  const lines = [
    ...complete.map((text) => printable(`complete  ${text}`)),
    ...left.map(({ file, line, path: at, text }) => printable(`left out  ${file}:${line} ${at}: ${text}`)),
    ...problems.map(({ file, line, message }) => printable(`bundle/${file}:${line}: ${message}`)),
    `wrote a draft into ${printable(into)}: ${expressed.length} statements expressed, ${left.length} left out, ${complete.length} things to complete`,
    `IMPORT.md lists them all; then: countersign policy check ${printable(path.join(into, 'bundle'))}`,
  ];
  if (problems.length === 0) return done(data, ...lines);
  const message = `the draft in ${into} is no valid bundle: ${problems.length} problems, which are listed`;
  return failed({ code: 'BAD_BUNDLE', message }, data, ...lines);
}
