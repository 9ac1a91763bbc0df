import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { policyFilesOf } from '../../audit/evidence/policy';
import { CHECKS } from '../../audit/verify/finding';
import type { LogTrust } from '../../audit/verify/inclusion';
import { type Verification, type VerifyOptions, verifyEvidence } from '../../audit/verify/verify';
import { readBundleFiles } from '../../policy/load-bundle';
import { failed, type Outcome, printable, UserError } from '../output';
import type { Run } from './index';
import { verifierOf } from './log';
import { evidenceIn, withReplayer } from './source';

interface Options {
  readonly policy?: string;
  readonly directory?: string;
  readonly logKey?: string;
  readonly proof?: string;
}

/** `countersign audit verify` */
export function registerVerify(audit: Command, run: Run): void {
  audit
    .command('verify')
    .description('verify evidence, with no server and no network')
    .argument('<file>', 'evidence')
    .option('--policy <dir>', 'policy bundle, as you have it from elsewhere')
    .option('--directory <file>', 'directory file, as you have it from elsewhere')
    .option('--log-key <key>', 'public key of the transparency log, or the file that holds it')
    .option('--proof <file>', 'proof of inclusion (default: beside the evidence, .tlog-proof)')
    .action((file: string, options: Options) => run(() => verify(file, options)));
}

async function verify(file: string, given: Options): Promise<Outcome> {
  const { evidence, text } = await evidenceIn(file);
  const options = { text, ...(await trusted(file, given)) };
  const verification = await withReplayer((replayer) => verifyEvidence(evidence, { ...options, replayer }));
  const { request, status, software } = evidence;
  const findings = verification.results.flatMap((result) => result.findings);
  const lines = [`evidence of ${request}: ${status}`, ...linesOf(verification)].map(printable);
  const data = { request, status, software, verified: verification.ok, results: verification.results };
  if (verification.ok) return { exitCode: 0, lines, data };
  const [first] = findings;
  const more = findings.length > 1 ? `, and ${findings.length - 1} more` : '';
  const message = `${file} does not hold: ${first?.check} at ${first?.where}: ${first?.message}${more}`;
  return failed({ code: 'DOES_NOT_HOLD', message }, data, ...lines);
}

function* linesOf({ results }: Verification): Generator<string> {
  const marks = { passed: 'ok  ', failed: 'FAIL', 'not checked': '--  ' } as const;
  for (const { check, state, findings } of results) {
    yield `  ${marks[state]}  ${check.padEnd(10)}  ${state === 'not checked' ? howToCheck(check) : CHECKS[check]}`;
    for (const { where, message } of findings) yield `          ${where}: ${message}`;
  }
}

function howToCheck(check: string): string {
  const options: Readonly<Record<string, string>> = {
    policy: 'not compared: give --policy DIR',
    directory: 'not compared: give --directory FILE',
    log: 'not looked up: give --log-key KEY',
  };
  return options[check] ?? 'not checked';
}

async function trusted(file: string, given: Options): Promise<VerifyOptions> {
  const log = given.logKey === undefined ? undefined : await logTrust(file, given.logKey, given.proof);
  const policy = given.policy === undefined ? undefined : await policyIn(given.policy);
  const directory =
    given.directory === undefined ? undefined : await textOf(given.directory, 'the directory file');
  return {
    ...(log && { log }),
    ...(policy && { policy }),
    ...(directory !== undefined && { directory }),
  };
}

async function policyIn(dir: string) {
  const files = await readBundleFiles(dir);
  if (files.ok && files.value.size > 0) return policyFilesOf(files.value);
  throw new UserError(`${dir} holds no policy bundle`);
}

async function logTrust(file: string, key: string, proofFile?: string): Promise<LogTrust> {
  const verifier = await verifierOf(key);
  const beside = `${file.replace(/\.json$/, '')}.tlog-proof`;
  return { verifier, proof: await textOf(proofFile ?? beside, 'the proof of inclusion') };
}

async function textOf(file: string, what: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch {
    throw new UserError(`cannot read ${what} ${file}`);
  }
}
