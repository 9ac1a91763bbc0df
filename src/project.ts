import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** The folder of this package, whether its code runs compiled or as it is written. */
const ROOT = rootFrom(__dirname);

/** Workflow code as the build bundled it. */
export const WORKFLOW_BUNDLE_FILE = path.join(ROOT, 'dist', 'workflow-bundle.js');
/** The program that replays histories, apart from whoever wants to know. */
export const REPLAY_PROGRAM = path.join(ROOT, 'dist', 'src', 'audit', 'replay-child.js');
/** The thread that decodes large directories. */
export const DIRECTORY_PROGRAM = path.join(ROOT, 'dist', 'src', 'directory', 'decode-thread.js');
/** The thread that reads calendars. */
export const CALENDAR_PROGRAM = path.join(ROOT, 'dist', 'src', 'directory', 'sources', 'calendar-thread.js');
/** The policy bundle that the demo and the tests run. */
export const EXAMPLE_BUNDLE_DIR = path.join(ROOT, 'policies');

/** Version of this package. */
export function packageVersion(): string {
  const content: unknown = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8'));
  const version =
    typeof content === 'object' && content !== null && 'version' in content ? content.version : undefined;
  return typeof version === 'string' ? version : '0.0.0';
}

function rootFrom(folder: string): string {
  if (existsSync(path.join(folder, 'package.json'))) return folder;
  const above = path.dirname(folder);
  if (above === folder) throw new Error('countersign is not installed whole: its package.json is missing');
  return rootFrom(above);
}

/** Versions that evidence names. */
export const VERSIONS = {
  countersign: versionIn(path.join(ROOT, 'package.json')),
  temporalSdk: versionIn(require.resolve('@temporalio/common/package.json')),
} as const;

function versionIn(packageFile: string): string {
  const { version }: { version?: unknown } = JSON.parse(readFileSync(packageFile, 'utf8'));
  return typeof version === 'string' ? version : 'unknown';
}
