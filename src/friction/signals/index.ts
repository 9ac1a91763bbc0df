import type { Finding, Material } from './finding';
import { approverBottlenecks, autoApprovalCandidates, emergencyOnly, unusedEntitlements } from './paths';
import { hardlyRead, outOfBand, repeatedDenials } from './people';

export {
  type Finding,
  type Material,
  type PolicyChange,
  SIGNALS,
  type Signal,
  type Surroundings,
  THRESHOLDS,
} from './finding';

/** Every pattern that is there, most frequent kind of remedy first. Silent where none is. */
export function findingsOf(material: Material): readonly Finding[] {
  return [
    ...autoApprovalCandidates(material),
    ...approverBottlenecks(material),
    ...emergencyOnly(material),
    ...repeatedDenials(material),
    ...outOfBand(material),
    ...hardlyRead(material),
    ...unusedEntitlements(material),
  ];
}
