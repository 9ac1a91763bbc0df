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
} from './finding';

/** Returns every pattern found, those with the most common remedies first. */
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
