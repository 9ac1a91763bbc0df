import { existsSync } from 'node:fs';
import { readDirectory } from '../../../src/directory/read-directory';
import { decodeApart } from '../../../src/policy/load/directory-apart';
import { DIRECTORY_PROGRAM } from '../../../src/project';
import { directoryOf } from '../../support/large-directory';

describe('DIR-1 ten thousand people stall nothing', () => {
  test('a large directory is decoded apart, while this thread goes on, and is the same', async () => {
    expect(existsSync(DIRECTORY_PROGRAM)).toBe(true);
    const text = directoryOf(10_000, 300);
    let turns = 0;
    const ticking = setInterval(() => {
      turns += 1;
    }, 5);
    const decoded = await decodeApart('directory.yaml', text);
    clearInterval(ticking);
    // Decoded in this thread, there would be no turn at all.
    expect(turns).toBeGreaterThan(20);
    const apart = readDirectory('directory.yaml', text, decoded);
    const here = readDirectory('directory.yaml', text);
    if (!apart.ok || !here.ok) throw new Error('it is a good directory');
    expect(apart.value.directory).toEqual(here.value.directory);
    expect(apart.value.directory.assurancesOf('person/user-7')).toEqual(['key']);
    expect(apart.value.directory.allMembersOf('team-7')).toEqual(here.value.directory.allMembersOf('team-7'));
  });

  test('its mistakes are told with their lines', async () => {
    const text = `${directoryOf(2_000, 20)}  lost:\n    title: Lost\n    members: [person/nobody]\n`;
    expect(await decodeApart('directory.yaml', text)).toEqual({
      ok: false,
      problems: [
        expect.objectContaining({
          line: text.split('\n').length - 1,
          message: expect.stringContaining('person/nobody'),
        }),
      ],
    });
  });

  test('a short one is not decoded apart', async () => {
    expect(await decodeApart('directory.yaml', directoryOf(10, 1))).toBeUndefined();
  });
});
