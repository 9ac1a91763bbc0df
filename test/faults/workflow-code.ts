import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { bundleWorkflowCode } from '@temporalio/worker';
import type { WorkerProgram } from './worker-program';

export interface WorkflowCode {
  readonly code: string;
  readonly file: string;
}

const quiet = () => undefined;
const LOGGER = { trace: quiet, debug: quiet, info: quiet, log: quiet, warn: quiet, error: quiet };

/** Bundles one of the variants beside this file, and puts it where a worker finds it. */
export async function bundleVariant(name: string, folder: string): Promise<WorkflowCode> {
  const { code } = await bundleWorkflowCode({
    workflowsPath: path.join(__dirname, 'workflows', `${name}.js`),
    payloadConverterPath: path.resolve(__dirname, '../../src/workflows/payload-converter.js'),
    logger: LOGGER,
  });
  const file = path.join(folder, `${name}.bundle.js`);
  writeFileSync(file, code);
  return { code, file };
}

/** A worker like the product's, with other workflow code and, on request, a connector that breaks promises. */
export function variantWorker({
  codeFile,
  breaks = false,
}: {
  readonly codeFile: string;
  readonly breaks?: boolean;
}): WorkerProgram {
  return {
    file: path.join(__dirname, 'variant-worker.js'),
    args: ['--code', codeFile, ...(breaks ? ['--break'] : [])],
    env: {},
  };
}
