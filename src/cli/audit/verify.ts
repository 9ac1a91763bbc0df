import type { Command } from 'commander';
import { CHECKS, type Check } from '../../audit/verify/finding';
import type { LogTrust } from '../../audit/verify/inclusion';
import { type Verification, type VerifyOptions, verifyEvidence } from '../../audit/verify/verify';
import type { Run } from '../context';
import { type CommandResult, failed, printable } from '../output';
import { verifierOf } from './log';
import { evidenceIn, withReplayer } from './source';
import { collected, textOf, trustedVersions } from './supplied-files';

interface Options {
  readonly policy?: readonly string[];
  readonly directory?: readonly string[];
  readonly logKey?: string;
  readonly proof?: string;
}

/** `countersign audit verify` */
export function defineVerify(audit: Command, run: Run): void {
  audit
    .command('verify')
    .description('verify evidence offline, without a server')
    .argument('<file>', 'evidence')
    .option(
      '--policy <dir>',
      'your own copy of the policy bundle, or a folder of versions; repeat it for each version that counted',
      collected,
    )
    .option(
      '--directory <file>',
      'your own copy of the directory file, or a folder of versions; repeat it for each version that counted',
      collected,
    )
    .option('--log-key <key>', 'public key of the transparency log, or the file that holds it')
    .option('--proof <file>', 'proof of inclusion (default: beside the evidence, .tlog-proof)')
    .action((file: string, options: Options) => run(() => verify(file, options)));
}

async function verify(file: string, options: Options): Promise<CommandResult> {
  const { evidence, text } = await evidenceIn(file);
  const anchors = await trustAnchors(file, options);
  const verification = await withReplayer((replayer) =>
    verifyEvidence(evidence, { text, ...anchors, replayer }),
  );
  const { request, status, software } = evidence;
  const findings = verification.results.flatMap((result) => result.findings);
  const lines = [`evidence of ${request}: ${status}`, ...linesOf(verification, options)].map(printable);
  const data = { request, status, software, verified: verification.ok, results: verification.results };
  if (verification.ok) return { exitCode: 0, lines, data };
  const [first] = findings;
  const more = findings.length > 1 ? `, and ${findings.length - 1} more` : '';
  const message = `${file} fails its checks: ${first?.check} at ${first?.where}: ${first?.message}${more}`;
  return failed({ code: 'DOES_NOT_HOLD', message }, data, ...lines);
}

function* linesOf({ results }: Verification, options: Options): Generator<string> {
  const marks = { passed: 'ok  ', failed: 'FAIL', 'not checked': '--  ' } as const;
  for (const { check, state, findings } of results) {
    yield `  ${marks[state]}  ${check.padEnd(10)}  ${state === 'not checked' ? howToCheck(check, options) : CHECKS[check]}`;
    for (const { where, message } of findings) yield `          ${where}: ${message}`;
  }
}

function howToCheck(check: Check, { policy, directory, logKey }: Options): string {
  if (check === 'policy' && policy === undefined) return 'not checked: needs --policy DIR';
  if (check === 'directory' && directory === undefined) return 'not checked: needs --directory FILE';
  if (check === 'log' && logKey === undefined) return 'not checked: needs --log-key KEY';
  return 'not checked: its input cannot be read';
}

/** Reads the versions, the key and the proof that the options name. */
async function trustAnchors(file: string, options: Options): Promise<VerifyOptions> {
  const { logKey, proof } = options;
  const log = logKey === undefined ? undefined : await logTrust(file, logKey, proof);
  return { ...(log && { log }), ...(await trustedVersions(options)) };
}

async function logTrust(file: string, key: string, proofFile?: string): Promise<LogTrust> {
  const verifier = await verifierOf(key);
  const beside = `${file.replace(/\.json$/, '')}.tlog-proof`;
  return { verifier, proof: await textOf(proofFile ?? beside, 'the proof of inclusion') };
}
