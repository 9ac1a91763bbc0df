import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { durationUpTo, formatDuration } from '../../contracts/duration';
import { foreignName, identifier, namedEntitlement, principalId, text } from '../../contracts/request';
import { type FileProblem, YamlFile } from '../../directory/yaml-file';
import { type Assessment, REASON_CODES } from '../../domain/assessment';
import { LIMITS } from '../../domain/limits';
import { NO_PRECEDENTS, type Precedents } from '../../domain/precedents';
import { type AccessRequest, entitlementName } from '../../domain/request';
import { assess } from '../evaluate/assess';
import type { PolicyContext } from '../evaluate/policy-context';
import { isPacked } from '../load/bundle-place';
import { readPack } from '../load/packed-bundle';

const caseSchema = z.strictObject({
  name: text(200).describe('what the case shows'),
  request: z
    .strictObject({
      requester: principalId.describe('who asks'),
      beneficiary: principalId.exactOptional().describe('who would get the access (default: the requester)'),
      entitlement: namedEntitlement.describe('CONNECTOR:RESOURCE#ACTION'),
      duration: durationUpTo(LIMITS.grantMs).default(600_000).describe('for how long'),
      emergency: identifier.exactOptional().describe('condition of the emergency'),
      ticket: text(LIMITS.ticketCharacters).exactOptional().describe('ticket that it names'),
      reason: text(LIMITS.reasonCharacters).default('a test of the bundle').describe('why'),
      onBehalfOf: z.array(principalId).default([]).describe('on whose behalf, the nearest first'),
      tool: foreignName.default('any').describe('for an exact action: its tool'),
      target: foreignName.default('any').describe('for an exact action: what it acts on'),
      arguments: z
        .record(z.string(), z.json())
        .default({})
        .describe('for an exact action: its arguments; policies see those that the schema declares'),
    })
    .describe('the request that is tried'),
  past: z
    .strictObject({
      deniedBy: identifier.exactOptional().describe('control that denied it before'),
      timesAsked: z
        .number()
        .int()
        .min(0)
        .max(100)
        .default(0)
        .describe('how often the same was asked before and ended without access'),
      approvers: z
        .record(identifier, z.array(principalId))
        .exactOptional()
        .describe('who was asked then, by stage (default: those who would be asked now)'),
    })
    .exactOptional()
    .describe('what went before'),
  expect: z
    .strictObject({
      outcome: z
        .enum(['hard_stop', 'refuse', 'permit', 'approve'])
        .describe('what becomes of it; `approve` means that people are asked'),
      reason: z.enum(REASON_CODES).exactOptional().describe('code of the reason'),
      policies: z.array(identifier).exactOptional().describe('ids of the policies that decide'),
      stages: z
        .record(identifier, z.union([z.number().int().min(1), z.array(principalId)]))
        .exactOptional()
        .describe('stages in order, each with the people who may decide it, or with its quorum'),
      maxDuration: durationUpTo(LIMITS.grantMs).exactOptional().describe('longest grant'),
      confirmedBy: z.array(principalId).exactOptional().describe('who has to confirm it first'),
    })
    .describe('what policy has to say'),
});
type Case = z.output<typeof caseSchema>;

/** A file of `tests/`. */
export const testFileSchema = z.array(caseSchema);

export interface BundleTestReport {
  readonly passed: number;
  /** Cases with another result than expected, and files that could not be read. */
  readonly problems: readonly FileProblem[];
}

/** Reads the files of cases, by their names in the bundle, and says which are misnamed. */
export async function readCases(
  dir: string,
): Promise<{ readonly files: ReadonlyMap<string, string>; readonly problems: FileProblem[] }> {
  if (await isPacked(dir)) {
    const read = await readPack(dir);
    if (!read.ok) return { files: new Map(), problems: [...read.problems] };
    return { files: new Map([...read.value].filter(([name]) => name.startsWith('tests/'))), problems: [] };
  }
  const folder = path.join(dir, 'tests');
  const all = (await readdir(folder).catch(() => [])).sort();
  const problems = all
    .filter((name) => name.endsWith('.yml'))
    .map((name) => ({
      ...{ file: `tests/${name}`, line: 1 },
      message: `is not read, because test files end in .yaml; rename it to ${name.replace(/yml$/, 'yaml')}, or remove it`,
    }));
  const files = new Map<string, string>();
  for (const name of all.filter((one) => one.endsWith('.yaml')))
    files.set(`tests/${name}`, await readFile(path.join(folder, name), 'utf8'));
  return { files, problems };
}

/** Runs the test cases of a bundle, in `tests/*.yaml`, as of one moment. */
export async function runBundleTests(
  dir: string,
  context: PolicyContext,
  atMs: number,
): Promise<BundleTestReport> {
  const { files, problems } = await readCases(dir);
  let passed = 0;
  for (const [name, content] of files) {
    const file = new YamlFile(name, content);
    const decoded = file.decode(testFileSchema);
    if (!decoded.ok) {
      problems.push(...decoded.problems);
      continue;
    }
    decoded.value.forEach((one, index) => {
      const request = requestOf(one, context, atMs);
      const differences = differencesOf(
        one,
        assess(context, request, atMs, pastOf(one, context, request, atMs)),
      );
      if (differences.length === 0) passed += 1;
      else problems.push(file.problem([index], `${one.name}: ${differences.join('; ')}`));
    });
  }
  return { passed, problems };
}

/** Builds a request for access or an exact action, by the kind in the catalog. */
function requestOf({ request: said }: Case, context: PolicyContext, atMs: number): AccessRequest {
  const kind = context.catalog.entry(said.entitlement)?.kind ?? 'access';
  return {
    id: 'bundle-test',
    kind,
    requester: said.requester,
    beneficiary: said.beneficiary ?? said.requester,
    entitlement: said.entitlement,
    ...(kind === 'execution' && {
      parameters: { tool: said.tool, toolVersion: '1', target: said.target, arguments: said.arguments },
      containment: 'a test of the bundle',
      rollback: 'a test of the bundle',
    }),
    durationMs: said.duration,
    emergency: said.emergency !== undefined,
    ...(said.emergency !== undefined && { emergencyCondition: said.emergency }),
    reason: said.reason,
    ...(said.ticket !== undefined && { ticket: said.ticket }),
    onBehalfOf: said.onBehalfOf,
    submittedAtMs: atMs,
  };
}

function pastOf(
  { past, request: said }: Case,
  context: PolicyContext,
  request: AccessRequest,
  atMs: number,
): Precedents {
  if (past === undefined) return NO_PRECEDENTS;
  const { requester, beneficiary } = request;
  const stages = assess(context, request, atMs).path?.stages ?? [];
  const ask = {
    requester,
    beneficiary,
    entitlement: entitlementName(said.entitlement),
    askedAtMs: atMs - 1_000,
    outcome: 'approve' as const,
    approvers: past.approvers ?? Object.fromEntries(stages.map((stage) => [stage.name, stage.eligible])),
    end: 'denied' as const,
    granted: false,
  };
  const denial = {
    id: 'denied',
    reportedBy: beneficiary,
    subject: beneficiary,
    reasonCode: 'TEST',
    deniedAtMs: atMs - 1_000,
  };
  return {
    asks: Array.from({ length: past.timesAsked }, (_, index) => ({ request: `asked-${index}`, ...ask })),
    denials: past.deniedBy === undefined ? [] : [{ ...denial, control: past.deniedBy }],
    grants: [],
  };
}

/** Describes the differences from the expected result. */
function differencesOf({ expect: wanted }: Case, got: Assessment): readonly string[] {
  const found: string[] = [];
  const compare = (what: string, expected: unknown, seen: unknown) => {
    if (expected !== undefined && JSON.stringify(expected) !== JSON.stringify(seen))
      found.push(`expected ${what} ${JSON.stringify(expected)}, got ${JSON.stringify(seen)}`);
  };
  compare('outcome', wanted.outcome, got.outcome);
  compare('reason', wanted.reason, got.reasonCodes[0]);
  compare('policies', wanted.policies && [...wanted.policies].sort(), [...got.determiningPolicies].sort());
  if (wanted.stages !== undefined) {
    const stages = got.path?.stages ?? [];
    compare(
      'stages',
      Object.keys(wanted.stages),
      stages.map((stage) => stage.name),
    );
    for (const stage of stages) {
      const people = wanted.stages[stage.name];
      if (typeof people === 'number') compare(`quorum of ${stage.name}`, people, stage.quorum);
      else compare(`approvers of ${stage.name}`, people && [...people].sort(), [...stage.eligible].sort());
    }
  }
  if (wanted.maxDuration !== undefined)
    compare('longest', formatDuration(wanted.maxDuration), formatDuration(got.maxDurationMs));
  compare('confirmation by', wanted.confirmedBy, got.confirmation?.by);
  return found;
}
