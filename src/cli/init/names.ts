import type { Answers } from './answers';

/** A text as YAML and Cedar write it, so that no reader takes it for anything else. */
export const q = (text: string): string => JSON.stringify(text);

/** Names that several files of the bundle share. */
export const namesIn = ({ team, connector, resource, action, workload }: Answers) => ({
  workloads: `${team}-workloads`,
  approvers: `${team}-approvers`,
  path: `${team}-approves`,
  policy: `${team}-${action}`,
  entitlement: `${connector}:${resource}#${action}`,
  workload,
});
