import canonicalize from 'canonicalize';
import { digestOfText } from '../../domain/digest';
import { evidenceText } from '../evidence/file';
import type { EvidenceFile } from '../evidence/schema';

/**
 * The record of a piece of evidence in the log: which request, how far it had come, and the digest of the file. It says
 * nothing of what was asked or by whom, so that the log can be shown to anyone.
 */
export function leafOf(evidence: EvidenceFile): Buffer {
  const { request, status } = evidence;
  const record = { evidence: digestOfText(evidenceText(evidence)), request, status };
  return Buffer.from(canonicalize(record) ?? '');
}
