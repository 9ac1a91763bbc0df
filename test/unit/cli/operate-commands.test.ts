import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Command } from 'commander';
import { createProgram, defineCommand } from '../../../src/cli/program';
import { PLAIN } from '../../../src/cli/terminal';

const FOLDER = path.resolve(__dirname, '../../../docs/operate');
const PAGES = readdirSync(FOLDER).filter((file) => file.endsWith('.md'));

/** Every command that a page has in a block of code or in its text. */
function commandsIn(text: string): readonly string[] {
  const blocks = [...text.matchAll(/```[\s\S]*?```/g)].flatMap(([block]) =>
    block.replaceAll('\\\n', ' ').split('\n'),
  );
  const spans = [...text.replace(/```[\s\S]*?```/g, '').matchAll(/`([^`\n]+)`/g)].map(
    ([, span = '']) => span,
  );
  return [...blocks, ...spans].flatMap((line) => {
    const [, command] =
      /^\s*(?:[$] )?(?:[A-Z_]+=\S+ )*countersign ([a-z].*?)(?:\s+[#|].*)?$/.exec(line) ?? [];
    return command === undefined ? [] : [command];
  });
}

/** Returns what of a command does not exist, or undefined. */
async function unknownIn(text: string): Promise<string | undefined> {
  const words = text.trim().split(/\s+/);
  const program = createProgram(PLAIN);
  await defineCommand(program, words[0] ?? '', async () => undefined);
  let command: Command = program;
  const options = new Set(['--json', '--help']);
  for (const [place, word] of words.entries()) {
    const sub = command.commands.find((one) => one.name() === word);
    if (sub !== undefined) command = sub;
    else if (place === 0 || (command.commands.length > 0 && /^[a-z]+$/.test(word))) return word;
    for (const { long, short } of sub?.options ?? [])
      for (const flag of [long, short]) if (typeof flag === 'string') options.add(flag);
  }
  return words.find((word) => /^--?[a-z]/.test(word) && !options.has(word.replace(/=.*/, '')));
}

describe('SHP-3 each command in the pages for operators exists, with its options', () => {
  test.each(PAGES)('%s', async (page) => {
    const commands = commandsIn(readFileSync(path.join(FOLDER, page), 'utf8'));
    const unknown = await Promise.all(
      commands.map(async (command) => ({ command, unknown: await unknownIn(command) })),
    );
    expect(unknown.filter((one) => one.unknown !== undefined)).toEqual([]);
  });

  test('the steps of upgrade, rotate and backup have commands, and a wrong one would be noticed', async () => {
    const counts = ['upgrade.md', 'rotate.md', 'backup.md'].map(
      (page) => commandsIn(readFileSync(path.join(FOLDER, page), 'utf8')).length,
    );
    expect(Math.min(...counts)).toBeGreaterThan(3);
    expect(await unknownIn('setup databases')).toBe('databases');
    expect(await unknownIn('upgrade')).toBe('upgrade');
    expect(await unknownIn('keys retire 3vXq81 --because lost')).toBe('--because');
    expect(await unknownIn('keys retire 3vXq81 --reason lost')).toBeUndefined();
  });
});
