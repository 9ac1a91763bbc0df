import { randomUUID } from 'node:crypto';
import { PostgresqlConnector } from '../../src/connectors/postgresql/connector';
import { SILENT_LOGGER } from '../../src/contracts/logger';
import { workflowIdOf } from '../../src/contracts/names';
import { digestOfText } from '../../src/domain/digest';
import type { AccessRequest } from '../../src/domain/request';
import { FileTicketSource, loadBundle } from '../../src/policy';
import { watchStanding } from '../../src/reconciler';
import { attestSubmission, signDenialReport } from '../../src/signing/sign';
import { type AuditLife, versionsNow } from './audit-lives';
import type { Harness } from './harness';
import { ADMIN, ROTATE, reroutedToDavid, WRITE } from './harness-asks';
import { eventually, eventuallyTrue } from './harness-wait';
import { SoftwarePasskey } from './signing/passkey';

const { replacement: _none, ...GROUNDS } = reroutedToDavid();
/** The people in these have not requested anything before. */
const ASK = { ...WRITE, requester: 'service/reconciliation', durationMs: 300 };
const inTenMinutes = () => Date.now() + 600_000;
const only = ({ id }: AccessRequest): AuditLife => ({ requestId: id });

/** Requests that depend on other requests, other people or the target. They need a harness with a ledger. */
export const FURTHER_LIVES: Readonly<Record<string, (harness: Harness) => Promise<AuditLife>>> = {
  'path-switched': async ({ cast }) => {
    const request = await cast.ask(ASK);
    const switchTo = { path: 'production-write-by-dba', untilMs: inTenMinutes() };
    const elsewhere = { ...GROUNDS, switchTo: { ...switchTo, path: 'incident' } };
    await cast.say('person/nadia', 'reroute', request, elsewhere);
    await cast.say('person/nadia', 'reroute', request, { ...GROUNDS, switchTo });
    await cast.say('person/mira', 'approve', request);
    await cast.say('person/david', 'approve', request);
    await cast.over(request);
    return only(request);
  },
  'switch-lapsed': async ({ cast }) => {
    const request = await cast.ask(ASK);
    const switchTo = { path: 'production-write-by-dba', untilMs: Date.now() + 1_000 };
    await cast.say('person/nadia', 'reroute', request, { ...GROUNDS, switchTo });
    await cast.until(request, ({ openStage }) => openStage === 'owner');
    await cast.say('person/david', 'approve', request);
    await cast.say('person/mira', 'approve', request);
    await cast.over(request);
    return only(request);
  },
  'replacement-lapsed': async ({ cast }) => {
    const request = await cast.ask(ASK);
    const replacement = { replace: 'person/mira', with: 'person/david', untilMs: Date.now() + 1_500 };
    await cast.say('person/nadia', 'reroute', request, { ...GROUNDS, replacement });
    await cast.until(request, ({ awaiting }) => awaiting.includes('person/mira'));
    await cast.say('person/david', 'approve', request);
    await cast.say('person/mira', 'approve', request);
    await cast.over(request);
    return only(request);
  },
  'emergency-reroute': async ({ cast }) => {
    const request = await cast.ask(ASK);
    const replacement = { replace: 'person/mira', with: 'person/sofia', untilMs: inTenMinutes() };
    const emergencyCondition = 'nobody-answers';
    await cast.say('person/nadia', 'reroute', request, { ...GROUNDS, replacement });
    await cast.say('person/nadia', 'reroute', request, { ...GROUNDS, emergencyCondition, replacement });
    await cast.say('person/sofia', 'approve', request);
    await cast.over(request);
    await cast.say('person/nadia', 'review', request, { verdict: 'justified' });
    await cast.say('person/amara', 'review', request, { verdict: 'needs-follow-up' });
    return only(request);
  },
  delegated: async (harness) => {
    const { cast, bundle } = harness;
    const date = (offsetMs: number) => new Date(Date.now() + offsetMs).toISOString().slice(0, 16).concat('Z');
    const away = { from: 'person/mira', to: 'person/lena', since: date(-3_600_000), until: date(3_600_000) };
    const restore = bundle.set('directory.yaml', ['delegations'], [away]);
    try {
      const request = await cast.ask(ASK);
      await cast.say('person/lena', 'approve', request);
      await cast.over(request);
      return { ...only(request), versions: await versionsNow(harness) };
    } finally {
      restore();
    }
  },
  'by-passkey': async (harness) => {
    const { cast, bundle } = harness;
    const passkey = new SoftwarePasskey();
    const restore = bundle.set('directory.yaml', ['people', 'person/mira', 'keys', 1], passkey.registration);
    try {
      const request = await cast.ask(ASK);
      await cast.carry(request, await cast.signByPasskey(passkey, 'person/mira', 'approve', request));
      await cast.over(request);
      return { ...only(request), versions: await versionsNow(harness) };
    } finally {
      restore();
    }
  },
  'linked-denial': async ({ cast, client }) => {
    const denial = {
      sub: 'service/reconciliation',
      control: 'secret-scanning',
      reasonCode: 'SECRET_FOUND',
    };
    const key = await cast.key('service/tool-gateway');
    await client.reportDenial(await signDenialReport(denial, 'service/tool-gateway', key, Date.now()));
    const request = await cast.ask(ASK);
    await cast.say('person/mira', 'approve', request);
    await cast.say('person/amara', 'approve', request);
    await cast.over(request);
    return only(request);
  },
  'asked-again': async ({ cast }) => {
    const first = await cast.ask(WRITE);
    await cast.say('person/mira', 'deny', first);
    await cast.over(first);
    const again = await cast.ask({ ...WRITE, durationMs: 300 });
    await cast.say('person/tomas', 'approve', again);
    await cast.say('person/mira', 'approve', again);
    await cast.over(again);
    return only(again);
  },
  renewed: async ({ cast }) => {
    const first = await cast.ask({ ...WRITE, durationMs: 3_000 });
    await cast.say('person/mira', 'approve', first);
    await cast.settled(first);
    const renewal = await cast.ask({ ...WRITE, durationMs: 4_000 });
    await cast.say('person/tomas', 'approve', renewal);
    await cast.over(renewal);
    return only(renewal);
  },
  confirmed: async (harness) => {
    const { cast, bundle } = harness;
    const plain = '@id("production-write")';
    const restore = [
      bundle.replace('access.cedar', plain, `${plain}\n@confirm("sponsor before approval")`),
      bundle.set('directory.yaml', ['people', 'person/oskar', 'keys', 0, 'channel'], 'phone'),
    ];
    try {
      const request = await cast.ask(ASK);
      await cast.say('person/helen', 'confirm', request);
      await cast.say('person/oskar', 'confirm', request);
      await cast.say('person/mira', 'approve', request);
      await cast.over(request);
      return { ...only(request), versions: await versionsNow(harness) };
    } finally {
      for (const one of restore.toReversed()) one();
    }
  },
  'given-back': async ({ cast }) => {
    const request = await cast.ask({ ...WRITE, durationMs: 60_000 });
    await cast.say('person/mira', 'approve', request);
    await cast.settled(request);
    await cast.say('person/lena', 'revoke', request);
    await cast.say('ci/payments', 'revoke', request);
    await cast.over(request);
    return only(request);
  },
  'identity-ended': async (harness) => {
    const { cast, bundle, postgres, ledger } = harness;
    const request = await cast.ask({ ...WRITE, requester: 'bot/deployer', durationMs: 4_000 });
    await cast.say('person/mira', 'approve', request);
    await cast.settled(request);
    const connector = new PostgresqlConnector({ url: postgres.url });
    const watch = watchStanding({
      ledger,
      connectors: new Map([['warehouse', connector]]),
      directory: async () => {
        const loaded = await loadBundle(bundle.dir, new FileTicketSource(undefined));
        if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
        return loaded.bundle.directory;
      },
      intervalMs: 3_600_000,
      logger: SILENT_LOGGER,
    });
    const restore = bundle.set('directory.yaml', ['identities', 'bot/deployer', 'enabled'], false);
    try {
      await watch.pass();
      await cast.over(request);
    } finally {
      restore();
      await watch.stop();
      await connector.close();
    }
    return only(request);
  },
  executed: async ({ cast, client }) => {
    const request = cast.compose({ ...ROTATE, durationMs: 4_000 });
    const about = {
      iss: 'service/gateway',
      via: {
        issuer: 'https://issuer.example',
        subject: 'payments-pipeline',
        token: digestOfText('a token'),
      },
    };
    const key = await cast.key('service/gateway');
    await client.submit(await attestSubmission(request, about, key, Date.now()));
    await cast.settled(request);
    await cast.say('person/tomas', 'approve', request);
    await cast.settled(request);
    const reported = { reporter: 'service/runner' };
    await cast.say('service/runner', 'report', request, { outcome: 'succeeded' });
    await cast.say('service/gateway', 'report', request, { outcome: 'redeemed', ...reported });
    const refused = { outcome: 'redemption_refused', reasonCode: 'REPLAYED', ...reported } as const;
    await cast.say('service/gateway', 'report', request, refused);
    await cast.say('service/gateway', 'report', request, { outcome: 'succeeded', ...reported });
    await cast.over(request);
    return only(request);
  },
  'execution-revoked': async ({ cast }) => {
    const request = await cast.ask({ ...ROTATE, durationMs: 60_000 });
    await cast.say('person/mira', 'approve', request);
    await cast.settled(request);
    await cast.say('person/greta', 'revoke', request);
    await cast.over(request);
    return only(request);
  },
  'reset-by-a-writer': async ({ cast, temporal }) => {
    const request = await cast.ask({ ...WRITE, durationMs: 2_000 });
    await cast.say('person/mira', 'approve', request);
    await cast.settled(request);
    const workflowId = workflowIdOf(request.id);
    const { events } = await temporal.workflow.getHandle(workflowId).fetchHistory();
    const first = events?.find(({ workflowTaskCompletedEventAttributes: done }) => done != null);
    const { runId = '' } = await temporal.workflowService.resetWorkflowExecution({
      namespace: temporal.options.namespace,
      workflowExecution: { workflowId },
      reason: 'an unfriendly writer',
      requestId: randomUUID(),
      workflowTaskFinishEventId: first?.eventId ?? null,
    });
    await eventuallyTrue('the new run ends', async () => {
      const { status } = await temporal.workflow.getHandle(workflowId, runId).describe();
      return status.name === 'COMPLETED';
    });
    return only(request);
  },
};

/** A request whose history continues in another run; needs a server that suggests continue-as-new early. */
export async function continued({ cast, temporal }: Harness): Promise<AuditLife> {
  const request = await cast.ask({ ...ADMIN, durationMs: 300 });
  await cast.say('person/mira', 'approve', request);
  const handle = temporal.workflow.getHandle(workflowIdOf(request.id));
  const { runId } = await handle.describe();
  await eventually('a new run takes over', async () => {
    const { refusalCount } = await cast.view(request);
    await handle.signal('approve', 'noise');
    await cast.until(request, (view) => view.refusalCount > refusalCount);
    return (await handle.describe()).runId !== runId || undefined;
  });
  await cast.say('person/david', 'approve', request);
  await cast.over(request);
  return only(request);
}
