import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parser } from '@prometheus-io/lezer-promql';
import { parse } from 'yaml';
import { z } from 'zod';
import { freePort } from '../../../src/stack/free-port';
import { METRICS, type MetricName, type MetricSpec } from '../../../src/telemetry/catalogue';
import { serveMetrics } from '../../../src/telemetry/serve';
import { parseScrape, type Series } from '../../support/telemetry/scrape';

const ROOT = path.resolve(__dirname, '../../..');
const read = (file: string): string => readFileSync(path.join(ROOT, file), 'utf8');

interface Query {
  readonly from: string;
  readonly text: string;
}

const dashboardSchema = z.object({
  panels: z.array(
    z.object({ title: z.string(), targets: z.array(z.object({ expr: z.string() })).default([]) }),
  ),
});
const rulesSchema = z.object({
  groups: z.array(
    z.object({
      rules: z.array(
        z.strictObject({
          alert: z.string(),
          expr: z.string(),
          for: z
            .string()
            .regex(/^\d+[smhd]$/)
            .optional(),
          labels: z.strictObject({ severity: z.enum(['page', 'warn']) }),
          annotations: z.strictObject({ summary: z.string() }),
        }),
      ),
    }),
  ),
});

const panels = (): readonly Query[] =>
  dashboardSchema
    .parse(JSON.parse(read('deploy/grafana/countersign.json')))
    .panels.flatMap(({ title, targets }) =>
      // Grafana puts a span of time in place of its own variable before it asks.
      targets.map(({ expr }) => ({ from: title, text: expr.replaceAll('$__rate_interval', '5m') })),
    );
const rules = () =>
  rulesSchema.parse(parse(read('deploy/prometheus/countersign.rules.yml'))).groups[0]?.rules ?? [];
const alerts = (): readonly Query[] => rules().map(({ alert, expr }) => ({ from: alert, text: expr }));

/** What a query names: metrics with the labels that it asks them for. Refuses what is no PromQL. */
function namedIn({ from, text }: Query) {
  const metrics: { name: string; labels: Record<string, string | undefined> }[] = [];
  const groupings = new Set<string>();
  let label = '';
  parser.parse(text).iterate({
    enter: ({ type, from: start, to, node }) => {
      const said = text.slice(start, to);
      if (type.isError) throw new Error(`${from}: no PromQL at ${JSON.stringify(text.slice(start))}`);
      if (type.name === 'Identifier') metrics.push({ name: said, labels: {} });
      if (type.name === 'LabelName' && node.parent?.name === 'GroupingLabels') groupings.add(said);
      if (type.name === 'LabelName' && node.parent?.name === 'UnquotedLabelMatcher') label = said;
      if (type.name === 'StringLiteral') {
        const labels = metrics.at(-1)?.labels;
        if (labels !== undefined) labels[label] = said.slice(1, -1);
      }
    },
  });
  return { metrics, groupings: [...groupings] };
}

/** A scrape over HTTP after every metric was recorded once. */
async function scrapeOfAll(): Promise<readonly Series[]> {
  const port = await freePort();
  const { metrics, stop } = await serveMetrics(
    { from: 'worker', connectors: ['warehouse'] },
    { host: '127.0.0.1', port },
  );
  const record: (name: MetricName, value: number, labels: Record<string, string>) => void = metrics.record;
  for (const [name, spec] of Object.entries<MetricSpec>(METRICS))
    record(name as MetricName, 1, valuesOf(spec));
  const answer = await fetch(`http://127.0.0.1:${port}/metrics`);
  expect(answer.headers.get('content-type')).toContain('text/plain');
  const text = await answer.text();
  await stop();
  return parseScrape(text);
}

const valuesOf = ({ labels }: MetricSpec) =>
  Object.fromEntries(
    Object.entries(labels).map(([label, values]) => [
      label,
      values === 'configured' ? 'warehouse' : (values[0] ?? ''),
    ]),
  );

describe('FRI-4 the dashboard and the alerts', () => {
  let series: readonly Series[];
  beforeAll(async () => {
    series = await scrapeOfAll();
  });

  const labelsOf = (metric: string) =>
    new Set(series.filter(({ name }) => name === metric).flatMap(({ labels }) => Object.keys(labels)));

  test('name only metrics that a scrape has, with labels that it has and values that they take', () => {
    const queries = [...panels(), ...alerts()];
    expect(queries.length).toBeGreaterThan(40);
    for (const query of queries) {
      const { metrics, groupings } = namedIn(query);
      expect([query.from, metrics.length]).not.toEqual([query.from, 0]);
      for (const { name, labels } of metrics) {
        const known = labelsOf(name);
        const isThere = series.some((one) => one.name === name);
        expect([query.from, name, isThere]).toEqual([query.from, name, true]);
        for (const label of [...Object.keys(labels), ...groupings])
          expect([query.from, name, label, known.has(label)]).toEqual([query.from, name, label, true]);
        const spec: MetricSpec | undefined = Object.entries<MetricSpec>(METRICS).find(([one]) =>
          name.startsWith(one),
        )?.[1];
        for (const [label, value = ''] of Object.entries(labels)) {
          const values = spec?.labels[label];
          if (values === undefined || values === 'configured' || /[.*]/.test(value)) continue;
          expect(values).toContain(value);
        }
      }
    }
  });

  test('leave no metric out', () => {
    const named = new Set(
      [...panels(), ...alerts()].flatMap((query) => namedIn(query).metrics.map(({ name }) => name)),
    );
    const unseen = Object.keys(METRICS).filter((name) => ![...named].some((one) => one.startsWith(name)));
    expect(unseen).toEqual([]);
  });

  test('find out what is no PromQL', () => {
    expect(() => namedIn({ from: 'a test', text: 'sum by (le (rate(x[5m]))' })).toThrow('no PromQL');
  });

  test('each alert says when to wake whom, and is described', () => {
    const described = read('docs/operate/observability.md');
    expect(rules().length).toBeGreaterThan(8);
    for (const { alert, annotations } of rules()) {
      expect(described).toContain(`\`${alert}\``);
      expect(annotations.summary.length).toBeLessThanOrEqual(140);
    }
  });
});

describe('FRI-4 the list of metrics', () => {
  const sources = (folder: string): readonly string[] =>
    readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
      const file = path.join(folder, entry.name);
      if (entry.isDirectory()) return sources(file);
      return file.endsWith('.ts') ? [readFileSync(file, 'utf8')] : [];
    });

  test('has none that nobody records', () => {
    const recording = sources(path.join(ROOT, 'src')).filter((text) => /\brecord\(/.test(text));
    const silent = Object.keys(METRICS).filter(
      (name) => !recording.some((text) => text.includes(`'${name}'`)),
    );
    expect(silent).toEqual([]);
  });

  test('is in the documentation, with every label', () => {
    const lines = read('docs/operate/observability.md').split('\n');
    for (const [name, spec] of Object.entries<MetricSpec>(METRICS)) {
      const line = lines.find((one) => one.startsWith(`| \`${name}\` |`)) ?? '';
      expect(line).toContain(`| ${spec.unit} |`);
      for (const label of Object.keys(spec.labels))
        expect([name, line]).toEqual([name, expect.stringContaining(`\`${label}\``)]);
    }
  });
});
