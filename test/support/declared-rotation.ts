import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { BundleFolder } from './harness-bundle';

/** Has the schema declare the arguments of a rotation, and lets people of payments propose one. */
export function declareRotation(bundle: BundleFolder): void {
  const schema = readFileSync(path.join(bundle.dir, 'schema.cedarschema'), 'utf8');
  const ask = /type Ask = \{[\s\S]*?\n\};/.exec(schema)?.[0] ?? '';
  const declared = 'arguments: { path: String, version: Long, dryRun?: Bool },';
  const rotation = ask.replace('type Ask', 'type Rotation').replace(/\n\};$/, `\n  ${declared}\n};`);
  const applies = 'principal: [Person, Workload], resource: [Resource], context: Rotation,';
  bundle.replace(
    'schema.cedarschema',
    'action migrate, apply, rotate, destroy, inspect appliesTo',
    `${rotation}\naction rotate appliesTo { ${applies} };\naction migrate, apply, destroy, inspect appliesTo`,
  );
  const [people, actions] = ['principal in Group::"payments-workloads"', 'action in [Action::"migrate"'];
  bundle.replace('access.cedar', `${people},\n  ${actions}`, `principal,\n  ${actions}`);
}
