// Compiles the sources and bundles the workflow code, so that a worker starts without a bundler. With `--production` it
// compiles `src` alone; otherwise also the benches and the programs of the faults suite.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const require = createRequire(import.meta.url);
const project = process.argv.includes('--production') ? 'tsconfig.build.json' : 'tsconfig.dev.json';
// Output of a source file that was moved or deleted would otherwise be packed too.
rmSync(path.join(root, 'dist'), { recursive: true, force: true });
execFileSync(process.execPath, [path.join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', project], {
  cwd: root,
  stdio: 'inherit',
});
// What pages load is served as it is written.
cpSync(path.join(root, 'src/web/assets'), path.join(root, 'dist/src/web/assets'), { recursive: true });

const { bundleWorkflowCode } = require('@temporalio/worker');
const quiet = { trace() {}, debug() {}, info() {}, log() {}, warn: console.warn, error: console.error };
// Our modules keep no state of their own, so all workflows of a worker share one instance of them, frozen by the SDK: that
// spares each waiting request the memory, and each new one the time, of its own copy.
const shared = ['workflows/index', 'workflows/payload-converter', 'workflows/trace-carrier'];
const { code } = await bundleWorkflowCode({
  workflowsPath: path.join(root, 'dist/src/workflows/index.js'),
  preloadModules: shared.map((module) => path.join(root, 'dist/src', `${module}.js`)),
  workflowInterceptorModules: [path.join(root, 'dist/src/workflows/trace-carrier.js')],
  payloadConverterPath: path.join(root, 'dist/src/workflows/payload-converter.js'),
  logger: quiet,
  // Positions without a second copy of the sources: stack traces stay right, and the file is a third smaller.
  webpackConfigHook: (config) => ({ ...config, devtool: 'inline-nosources-source-map' }),
});

// Strips comments and white space but keeps names, so that stack traces show the names in our sources.
const { minifySync } = require('@swc/core');
const [script, map] = code.split(/^\/\/# sourceMappingURL=data:application\/json;.*?base64,/m);
const small = minifySync(script, {
  compress: false,
  mangle: false,
  format: { comments: false },
  sourceMap: { content: Buffer.from(map, 'base64').toString('utf8') },
});
const positions = Buffer.from(small.map, 'utf8').toString('base64');
mkdirSync(path.join(root, 'dist'), { recursive: true });
writeFileSync(
  path.join(root, 'dist', 'workflow-bundle.js'),
  `${small.code}\n//# sourceMappingURL=data:application/json;base64,${positions}\n`,
);
