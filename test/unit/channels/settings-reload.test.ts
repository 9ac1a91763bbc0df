import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { NotifySource } from '../../../src/channels/source';

const SECRET = `whsec_${Buffer.alloc(32, 1).toString('base64')}`;
const FILE = (channel: string, person = 'person/mira') =>
  `channels:\n  ${channel}: { kind: webhook, url: "https://hooks.example.com/in", secretFile: ${channel} }\n` +
  `people:\n  ${person}: [{ channel: ${channel} }]\n`;

describe('FRI-2 notify.yaml is kept up with', () => {
  let folder: string;
  let known: string[];
  const said: { about: object; message: string }[] = [];
  const note = (about: object, message: string) => void said.push({ about, message });
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'countersign-notify-source-'));
    known = ['person/mira'];
    said.length = 0;
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));
  const write = (name: string, text: string) => writeFileSync(path.join(folder, name), text);
  const started = () =>
    new NotifySource(path.join(folder, 'notify.yaml'), { info: note, warn: note, error: note });
  const channels = (source: NotifySource) => [
    ...(source.current((id) => known.includes(id))?.notifiers.keys() ?? []),
  ];
  const refusals = () => said.filter(({ message }) => message.includes('refused')).length;

  it('a secret that only the refused file names mends it when it comes', () => {
    write('notify.yaml', FILE('first'));
    write('first', SECRET);
    const source = started();
    expect(channels(source)).toEqual(['first']);
    write('notify.yaml', FILE('second'));
    for (let looks = 0; looks < 3; looks += 1) expect(channels(source)).toEqual(['first']);
    expect(refusals()).toBe(1);
    write('second', SECRET);
    expect(channels(source)).toEqual(['second']);
    source.close();
  });

  it('someone who comes into the directory mends it, and what else is wrong by then is said', () => {
    write('notify.yaml', FILE('first', 'person/tomas'));
    const source = started();
    expect(channels(source)).toEqual([]);
    expect(refusals()).toBe(2);
    known = ['person/tomas'];
    expect(channels(source)).toEqual([]);
    expect(refusals()).toBe(3);
    write('first', SECRET);
    expect(channels(source)).toEqual(['first']);
    source.close();
  });
});
