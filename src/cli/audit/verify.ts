import type { Command } from 'commander';
import { CHECKS, type Check } from '../../audit/verify/finding';
import type { LogTrust } from '../../audit/verify/inclusion';
import { type Verification, type VerifyOptions, verifyEvidence } from '../../audit/verify/verify';
import { failed, type Outcome, printable } from '../output';
import { directoriesIn, policiesIn, textOf } from './given';
import type { Run } from './index';
import { verifierOf } from './log';
import { evidenceIn, withReplayer } from './source';

interface Options {
  readonly policy?: readonly string[];
  readonly directory?: readonly string[];
  readonly logKey?: string;
  readonly proof?: string;
}

/** `countersign audit verify` */
export function registerVerify(audit: Command, run: Run): void {
  audit
    .command('verify')
    .description('verify evidence, with no server and no network')
    .argument('<file>', 'evidence')
    .option(
      '--policy <dir>',
      'policy bundle as you have it from elsewhere, or a folder of versions; once for each that counted',
      collected,
    )
    .option(
      '--directory <file>',
      'directory file as you have it from elsewhere, or a folder of versions; once for each that counted',
      collected,
    )
    .option('--log-key <key>', 'public key of the transparency log, or the file that holds it')
    .option('--proof <file>', 'proof of inclusion (default: beside the evidence, .tlog-proof)')
    .action((file: string, options: Options) => run(() => verify(file, options)));
}

const collected = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];

async function verify(file: string, given: Options): Promise<Outcome> {
  const { evidence, text } = await evidenceIn(file);
  const options = { text, ...(await trusted(file, given)) };
  const verification = await withReplayer((replayer) => verifyEvidence(evidence, { ...options, replayer }));
  const { request, status, software } = evidence;
  const findings = verification.results.flatMap((result) => result.findings);
  const lines = [`evidence of ${request}: ${status}`, ...linesOf(verification, given)].map(printable);
  const data = { request, status, software, verified: verification.ok, results: verification.results };
  if (verification.ok) return { exitCode: 0, lines, data };
  const [first] = findings;
  const more = findings.length > 1 ? `, and ${findings.length - 1} more` : '';
  const message = `${file} does not hold: ${first?.check} at ${first?.where}: ${first?.message}${more}`;
  return failed({ code: 'DOES_NOT_HOLD', message }, data, ...lines);
}

function* linesOf({ results }: Verification, given: Options): Generator<string> {
  const marks = { passed: 'ok  ', failed: 'FAIL', 'not checked': '--  ' } as const;
  for (const { check, state, findings } of results) {
    yield `  ${marks[state]}  ${check.padEnd(10)}  ${state === 'not checked' ? howToCheck(check, given) : CHECKS[check]}`;
    for (const { where, message } of findings) yield `          ${where}: ${message}`;
  }
}

function howToCheck(check: Check, given: Options): string {
  if (check === 'policy' && given.policy === undefined) return 'not compared: give --policy DIR';
  if (check === 'directory' && given.directory === undefined) return 'not compared: give --directory FILE';
  if (check === 'log' && given.logKey === undefined) return 'not looked up: give --log-key KEY';
  return 'not checked: what it needs cannot be read';
}

async function trusted(file: string, given: Options): Promise<VerifyOptions> {
  const log = given.logKey === undefined ? undefined : await logTrust(file, given.logKey, given.proof);
  const policies = given.policy && (await Promise.all(given.policy.map(policiesIn))).flat();
  const directories = given.directory && (await Promise.all(given.directory.map(directoriesIn))).flat();
  return { ...(log && { log }), ...(policies && { policies }), ...(directories && { directories }) };
}

async function logTrust(file: string, key: string, proofFile?: string): Promise<LogTrust> {
  const verifier = await verifierOf(key);
  const beside = `${file.replace(/\.json$/, '')}.tlog-proof`;
  return { verifier, proof: await textOf(proofFile ?? beside, 'the proof of inclusion') };
}
