import { readFileSync } from 'node:fs';
import path from 'node:path';
import Ajv2020 from 'ajv/dist/2020';
import { evidenceFileSchema, evidenceJsonSchema } from '../../../src/audit/evidence/schema';
import { cloudEventsOf } from '../../../src/audit/ocsf/cloud-event';
import { OCSF_MAPPING, OCSF_VERSION } from '../../../src/audit/ocsf/ocsf';
import { describeEvidence } from '../../../src/audit/report/describe-events';
import { keptEvidence } from '../../support/audit';

const ROOT = path.join(__dirname, '../../..');
const json = (file: string) => JSON.parse(readFileSync(path.join(ROOT, file), 'utf8'));
const lives = keptEvidence();

describe('AUD-3 the published schema of evidence', () => {
  const published = json('docs/schemas/evidence-v1.schema.json');

  test('is that of the program (scripts/evidence-schema.mjs writes it)', () => {
    expect(published).toEqual(JSON.parse(JSON.stringify(evidenceJsonSchema())));
  });

  const validate = new Ajv2020({ strict: false }).compile(published);
  test.each(lives)('accepts $name, by a validator that is not ours', ({ evidence }) => {
    expect([validate(evidence), validate.errors]).toEqual([true, null]);
  });

  test('refuses what is no evidence', () => {
    expect(validate({})).toBe(false);
    expect(validate({ ...lives[0]?.evidence, added: 1 })).toBe(false);
    expect(validate({ ...lives[0]?.evidence, head: 'x' })).toBe(false);
  });
});

describe('events for machines are OCSF in CloudEvents', () => {
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  const classes = {
    3004: ajv.compile(json('test/support/ocsf/entity_management.schema.json')),
    3005: ajv.compile(json('test/support/ocsf/user_access.schema.json')),
  } as const;
  const events = lives.flatMap(({ evidence }) => cloudEventsOf(evidence, 'urn:countersign:test'));

  test.each(lives)('$name validates against the OCSF schema', ({ evidence }) => {
    for (const { data } of cloudEventsOf(evidence, 'urn:countersign:test')) {
      const validate = classes[data['class_uid'] === 3004 ? 3004 : 3005];
      expect([validate(data), validate.errors]).toEqual([true, null]);
      expect(data['type_uid']).toBe(Number(data['class_uid']) * 100 + Number(data['activity_id']));
    }
  });

  test('AUD-4 what was found on the target is in the events, in the description and in the published schema', () => {
    const [{ evidence } = fail()] = lives;
    const seen = { account: 'jonas', grant: 'production_admin', firstAtMs: 1_000, lastAtMs: 2_000, times: 2 };
    const kinds = ['overdue', 'missing', 'drift'] as const;
    const told = { ...evidence, findings: kinds.map((kind) => ({ kind, ...seen })) };
    expect(evidenceFileSchema.safeParse(told).error).toBeUndefined();
    const found = cloudEventsOf(told, 'urn:countersign:test').slice(-3);
    for (const { data } of found) expect([classes[3005](data), classes[3005].errors]).toEqual([true, null]);
    expect(new Set(found.map(({ id }) => id)).size).toBe(3);
    const story = describeEvidence(told).join('\n');
    for (const words of ['past its end', 'did not have', 'without a lease']) expect(story).toContain(words);
  });

  test('the schema notices a member that OCSF does not know, and one that is missing', () => {
    const [one] = cloudEventsOf(lives[0]?.evidence ?? fail(), 'urn:countersign:test');
    expect(classes[3004]({ ...one?.data, invented: 1 })).toBe(false);
    expect(classes[3004]({ ...one?.data, metadata: {} })).toBe(false);
    expect(classes[3004]({ ...one?.data, severity_id: 77 })).toBe(false);
  });

  test('envelopes are CloudEvents 1.0: all that must be there, and source and id are never twice', () => {
    const ids = new Set(events.map(({ source, id }) => `${source} ${id}`));
    expect(ids.size).toBe(events.length);
    for (const event of events) {
      expect(event).toMatchObject({ specversion: '1.0', datacontenttype: 'application/json' });
      expect(event.type).toMatch(/^dev\.countersign\.request\.[a-z_]+\.v1$/);
      expect(new Date(event.time).toISOString()).toBe(event.time);
      expect(event.dataschema).toContain(`/${OCSF_VERSION}/`);
    }
  });

  test('refused attempts, stops and grants are there with who it was', () => {
    const codes = new Set(events.map(({ data }) => data['status_code']));
    for (const code of ['NOT_HUMAN', 'UNKNOWN_KEY', 'CONTROL_WEAKENING', 'GRANTED', 'justified'])
      expect(codes).toContain(code);
  });

  test('docs/audit/evidence.md has every row of the mapping', () => {
    const text = readFileSync(path.join(ROOT, 'docs/audit/evidence.md'), 'utf8');
    for (const [type, { classUid, activityId, statusId, severityId }] of Object.entries(OCSF_MAPPING))
      expect(text).toContain(`| \`${type}\` | ${classUid} | ${activityId} | ${statusId} | ${severityId} |`);
  });
});

function fail(): never {
  throw new Error('there is no kept evidence');
}
