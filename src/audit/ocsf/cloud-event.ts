import type { EvidenceFile } from '../evidence/schema';
import { OCSF_VERSION, type OcsfEvent, ocsfEventsOf } from './ocsf';

/** An event in its envelope (CloudEvents 1.0, structured JSON). */
export interface CloudEvent {
  readonly specversion: '1.0';
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly subject: string;
  readonly time: string;
  readonly datacontenttype: 'application/json';
  readonly dataschema: string;
  readonly data: OcsfEvent;
}

const SCHEMAS: Readonly<Record<number, string>> = { 3004: 'entity_management', 3005: 'user_access' };

/**
 * Converts the events of a request to OCSF in CloudEvents. Source and id together identify an event for ever, so that receivers
 * can detect repeats.
 *
 * @param source the sender, as a URI, such as `urn:countersign:production`
 */
export function cloudEventsOf(evidence: EvidenceFile, source: string): readonly CloudEvent[] {
  return ocsfEventsOf(evidence).map((data) => {
    const { uid, event_code: code } = data['metadata'] as {
      readonly uid: string;
      readonly event_code: string;
    };
    return {
      specversion: '1.0',
      id: uid,
      source,
      type: `dev.countersign.request.${code}.v1`,
      subject: evidence.request,
      time: new Date(Number(data['time'])).toISOString(),
      datacontenttype: 'application/json',
      dataschema: `https://schema.ocsf.io/${OCSF_VERSION}/classes/${SCHEMAS[Number(data['class_uid'])] ?? ''}`,
      data,
    };
  });
}
