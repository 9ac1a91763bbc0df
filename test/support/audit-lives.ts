import { randomUUID } from 'node:crypto';
import { versionsWith } from '../../src/audit/archive/versions';
import type { VersionSource } from '../../src/audit/evidence/export';
import { TASK_QUEUE, WORKFLOW_TYPE, workflowIdOf } from '../../src/contracts/names';
import { readBundleFiles } from '../../src/policy/load/bundle-folder';
import type { Harness } from './harness';
import { ADMIN, READ, WRITE } from './harness-asks';
import { eventually } from './harness-wait';
import { jwsOf } from './signing/jws';

/** A request whose evidence must be complete. It carries the versions of policy and directory for the export if they are not today's. */
export interface AuditLife {
  readonly requestId: string;
  readonly versions?: VersionSource;
}

export async function versionsNow({ bundle }: Harness, below?: VersionSource): Promise<VersionSource> {
  const files = await readBundleFiles(bundle.dir);
  if (!files.ok) throw new Error('the bundle cannot be read');
  return versionsWith(files.value, below);
}

/** Kinds of requests that matter to an auditor, besides those in the kept histories. */
export const AUDIT_LIVES: Readonly<Record<string, (harness: Harness) => Promise<AuditLife>>> = {
  'endorsed-reroute': async ({ cast }) => {
    const request = await cast.ask({ ...ADMIN, durationMs: 300 });
    const replacement = {
      replace: 'person/mira',
      with: 'person/oskar',
      untilMs: Date.now() + 600_000,
    };
    const grounds = { reasonCode: 'approver-absent', ticket: 'OPS-1', policyBasis: 'production-admin' };
    await cast.say('person/nadia', 'reroute', request, { ...grounds, replacement });
    const [proposed] = (await cast.view(request)).reroutes;
    await cast.say('person/nadia', 'endorse', request, { endorses: proposed?.jti ?? '' });
    await cast.say('person/viktor', 'endorse', request, { endorses: proposed?.jti ?? '' });
    await cast.say('person/oskar', 'approve', request);
    await cast.say('person/david', 'approve', request);
    await cast.over(request);
    return { requestId: request.id };
  },
  unreadable: async ({ temporal }) => {
    const requestId = randomUUID();
    const workflowId = workflowIdOf(requestId);
    const invented = { request: { id: requestId, requester: 'person/mallory' }, proof: 'trust me' };
    await temporal.workflow.execute(WORKFLOW_TYPE, { workflowId, taskQueue: TASK_QUEUE, args: [invented] });
    return { requestId };
  },
  'not-recognised': async ({ cast, client }) => {
    const request = cast.compose(READ);
    const { proof } = await cast.submission(cast.compose(READ));
    await client.submit({ request, proof });
    await cast.over(request);
    return { requestId: request.id };
  },
  hostile: async ({ cast, temporal, client }) => {
    const request = await cast.ask(WRITE);
    const handle = temporal.workflow.getHandle(workflowIdOf(request.id));
    await handle.signal('approve', { format: 'jws', jws: 'a.b.c' });
    await handle.signal('approve', 'let me in');
    const genuine = await cast.sign('person/mira', 'approve', request);
    await handle.signal('approve', { ...genuine, jws: `${jwsOf(genuine).slice(0, -4)}AAAA` });
    const other = await cast.ask(WRITE);
    await client.leaveStatement(request.id, 'approve', await cast.sign('person/mira', 'approve', other));
    await client.leaveStatement(request.id, 'deny', genuine);
    await cast.until(request, ({ refusalCount }) => refusalCount === 5);
    await cast.say('person/mira', 'deny', request, {}, { unreasoned: true });
    await cast.say('person/mira', 'deny', request, { comment: 'too many strange messages' });
    await cast.over(request);
    return { requestId: request.id };
  },
  terminated: async ({ cast, temporal }) => {
    const request = await cast.ask({ ...WRITE, durationMs: 300 });
    await cast.say('person/mira', 'approve', request);
    await cast.settled(request);
    await temporal.workflow.getHandle(workflowIdOf(request.id)).terminate('an unfriendly writer');
    return { requestId: request.id };
  },
  'target-refused': async ({ cast, postgres }) => {
    await postgres.query('ALTER ROLE payments_ci RENAME TO payments_ci_gone');
    try {
      const request = await cast.ask(WRITE);
      await cast.say('person/mira', 'approve', request);
      await cast.over(request);
      return { requestId: request.id };
    } finally {
      await postgres.query('ALTER ROLE payments_ci_gone RENAME TO payments_ci');
    }
  },
  'two-directories': async (harness) => {
    const { cast, bundle } = harness;
    const request = await cast.ask({ ...ADMIN, durationMs: 300 });
    await cast.say('person/mira', 'approve', request);
    const before = await versionsNow(harness);
    const restore = bundle.revokeKeyOf('person/aiko');
    try {
      await eventually('the key of Aiko is refused', async () => {
        const said = await cast.say('person/aiko', 'approve', request);
        return said === 'UNKNOWN_KEY' || undefined;
      });
      await cast.say('person/david', 'approve', request);
      await cast.over(request);
      return { requestId: request.id, versions: await versionsNow(harness, before) };
    } finally {
      restore();
    }
  },
  'permitted-for-another': async ({ cast }) => {
    const request = await cast.ask({
      ...READ,
      requester: 'person/lena',
      beneficiary: 'agent/atlas',
      durationMs: 300,
    });
    await cast.over(request);
    return { requestId: request.id };
  },
};
