import { isMap, isSeq, parseDocument } from 'yaml';
import type { Assurance, PrincipalId } from '../domain/principal';
import { readPublicKey } from './public-key';

export interface KeyRegistration {
  readonly assurance: Exclude<Assurance, 'channel'>;
  readonly channel: string;
}

/**
 * The directory file with one more public key registered to a principal. Comments and order stay.
 *
 * @throws Error when the principal is not in the file or the key is no public key: tools call this, people read it
 */
export function registerKey(
  directoryYaml: string,
  principal: PrincipalId,
  publicJwk: Readonly<Record<string, unknown>>,
  { assurance, channel }: KeyRegistration,
): string {
  const read = readPublicKey(publicJwk);
  if (!read.ok) throw new Error(`cannot register this key to ${principal}: ${read.message}`);
  const document = parseDocument(directoryYaml);
  const section = principal.startsWith('person/') ? 'people' : 'identities';
  if (!isMap(document.getIn([section, principal])))
    throw new Error(`cannot register a key: ${principal} is not in "${section}" of the directory`);
  const path = [section, principal, 'keys'];
  const registration = { jwk: read.publicJwk, assurance, channel };
  const keys = document.getIn(path);
  if (!isSeq(keys)) document.setIn(path, document.createNode([registration]));
  else {
    keys.flow = false;
    keys.add(document.createNode(registration));
  }
  return document.toString({ lineWidth: 0 });
}
