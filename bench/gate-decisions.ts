import { SILENT_LOGGER } from '../src/contracts/logger';
import { NO_PRECEDENTS } from '../src/domain/precedents';
import type { AccessRequest } from '../src/domain/request';
import { ToolGate } from '../src/gate/tool-gate';
import { assess, createBundleSource, FileTicketSource, type LoadedBundle } from '../src/policy';
import { argumentsSeen } from '../src/policy/evaluate/arguments-seen';
import { bearingOf } from '../src/policy/evaluate/bearing';
import { questionOf } from '../src/policy/evaluate/cedar-question';
import { median } from './stats';

const AGENT = 'agent/atlas';
const SECONDS = 2;
const ROUNDS = 3;
const PAYMENT = { to: 'ACME', amount: 20, currency: 'EUR' };

/** Decisions with arguments a second of CPU time: Cedar alone, the assessment, and all that a gate does for a call but disk and pipes. */
export async function decisionRates(bundleDir: string) {
  const bundles = await createBundleSource(bundleDir, {
    tickets: new FileTicketSource(undefined),
    logger: SILENT_LOGGER,
  });
  const { context, toolPins } = await bundles.current();
  const gate = new ToolGate({
    server: 'payments',
    agent: AGENT,
    executorId: 'service/gate',
    onBehalfOf: [],
    bundles,
    precedents: { of: async () => NO_PRECEDENTS, learned: () => undefined },
    approved: { settle: unexpected, propose: unexpected },
    isOnRecord: async () => false,
    log: { append: async () => undefined, note: () => undefined },
    definitionOf: async (tool) => toolPins['payments']?.[tool],
    changes: { tell: () => undefined },
    observe: false,
    waitMs: 0,
    nowMs: Date.now,
  });
  const call = async () => {
    const verdict = await gate.decide({ name: 'send_payment', arguments: PAYMENT });
    if (verdict.kind !== 'pass') throw new Error(`not permitted: ${JSON.stringify(verdict)}`);
  };
  const request = paymentRequest();
  const question = questionAbout(context, request);
  const works = {
    cedar: async () => void context.engine.ask(question),
    assessed: async () => void assess(context, request, Date.now()),
    gate: call,
  };
  const rates = { cedar: [] as number[], assessed: [] as number[], gate: [] as number[] };
  for (let round = 0; round < ROUNDS; round += 1)
    for (const name of ['cedar', 'assessed', 'gate'] as const) rates[name].push(await rateOf(works[name]));
  return {
    cedarPerCpuSecond: Math.round(median(rates.cedar)),
    assessedPerCpuSecond: Math.round(median(rates.assessed)),
    gatePerCpuSecond: Math.round(median(rates.gate)),
  };
}

async function unexpected(): Promise<never> {
  throw new Error('a small payment needs nobody');
}

const paymentRequest = (): AccessRequest => ({
  id: 'call_bench',
  kind: 'execution',
  requester: AGENT,
  beneficiary: AGENT,
  entitlement: { connector: 'tools', resource: 'payments', action: 'pay' },
  parameters: { tool: 'send_payment', toolVersion: '1', target: 'ACME', arguments: PAYMENT },
  durationMs: 1_000,
  emergency: false,
  reason: 'to measure',
  onBehalfOf: [],
  containment: 'none is needed',
  rollback: 'none is needed',
  submittedAtMs: Date.now(),
});

function questionAbout(context: LoadedBundle['context'], request: AccessRequest) {
  const entry = context.catalog.entry(request.entitlement);
  if (entry === undefined) throw new Error('the example has changed');
  const seen = argumentsSeen(context.engine, entry, request);
  if (!seen.ok) throw new Error(seen.why);
  const bearing = bearingOf(NO_PRECEDENTS, request, entry, context, Date.now());
  return questionOf(context.directory, entry, request, bearing, Date.now(), seen.value);
}

/** Measures per CPU second, so that other work on the machine does not count. */
async function rateOf(work: () => Promise<void>): Promise<number> {
  for (let warm = 0; warm < 500; warm += 1) await work();
  const startedAt = cpuSeconds();
  let done = 0;
  while (cpuSeconds() - startedAt < SECONDS) {
    for (let burst = 0; burst < 50; burst += 1) await work();
    done += 50;
  }
  return done / (cpuSeconds() - startedAt);
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000_000;
}
