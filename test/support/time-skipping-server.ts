import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { type Announce, announced } from '../../src/stack/announce';
import { cacheDir } from '../../src/stack/cache';
import { findOnPath, isExecutable } from '../../src/stack/executable';
import { withPidLock } from '../../src/stack/pid-lock';
import { runCommand } from '../../src/stack/run-command';
import { sdkDownloadReachable } from '../../src/stack/sdk-download';

const VERSION = '1.38.0';

/** How to run Temporal's time-skipping test server on this machine, in the SDK's terms. */
export type TimeSkippingExecutable =
  | { readonly type: 'cached-download' }
  | { readonly type: 'existing-path'; readonly path: string };

/**
 * Finds the time-skipping server or gets it: the one in the cache, the SDK's own download, else the Java one from Maven.
 */
export async function timeSkippingExecutable(announce: Announce): Promise<TimeSkippingExecutable> {
  const folder = path.join(cacheDir(), `temporal-test-server-${VERSION}`);
  const script = path.join(folder, 'temporal-test-server');
  if (isExecutable(script)) return { type: 'existing-path', path: script };
  if (await sdkDownloadReachable('temporal-test-server', cacheDir())) return { type: 'cached-download' };
  mkdirSync(folder, { recursive: true });
  await withPidLock(path.join(folder, 'lock'), async () => {
    if (!isExecutable(script)) await installFromMaven(folder, script, announce);
  });
  return { type: 'existing-path', path: script };
}

async function installFromMaven(folder: string, script: string, announce: Announce): Promise<void> {
  const mvn = findOnPath('mvn', process.env);
  const java = findOnPath('java', process.env);
  if (mvn === undefined || java === undefined) {
    throw new Error(
      'no time-skipping test server: it could not be downloaded, and there is no Java 17 with Maven to get it from Maven Central',
    );
  }
  const draft = mkdtempSync(path.join(folder, 'new-'));
  try {
    writeFileSync(path.join(draft, 'pom.xml'), POM);
    await announced(
      announce,
      `getting Temporal's time-skipping test server ${VERSION} from Maven Central`,
      () => runCommand(mvn, mavenArguments(draft), process.env),
    );
    if (readdirSync(path.join(draft, 'lib')).length === 0) throw new Error('Maven copied no libraries');
    const lib = path.join(folder, 'lib');
    if (existsSync(lib)) rmSync(lib, { recursive: true });
    renameSync(path.join(draft, 'lib'), lib);
    // The script is written last, so its presence means that everything is there.
    const wrapper = path.join(draft, 'wrapper');
    writeFileSync(
      wrapper,
      `#!/bin/sh\nexec "${java}" -cp "${lib}/*" io.temporal.testserver.TestServer "$@"\n`,
    );
    chmodSync(wrapper, 0o755);
    renameSync(wrapper, script);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

const mavenArguments = (draft: string): readonly string[] => [
  ...['--batch-mode', '--quiet', '--file', path.join(draft, 'pom.xml')],
  ...['dependency:copy-dependencies', `-DoutputDirectory=${path.join(draft, 'lib')}`],
];

const POM = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>countersign</groupId>
  <artifactId>time-skipping-server</artifactId>
  <version>1</version>
  <dependencies>
    <dependency>
      <groupId>io.temporal</groupId>
      <artifactId>temporal-test-server</artifactId>
      <version>${VERSION}</version>
    </dependency>
  </dependencies>
</project>
`;
