import type { Answers } from './answers';
import { namesIn, q } from './names';

/** Returns the Cedar schema of a bundle with these actions. */
export const schemaText = (
  actions: readonly string[],
): string => `// What policies can refer to. The principal is the one who would get the access.

entity Group;
entity Role;

entity Person in [Group, Role] = {
  kind: String,
  /// Has an end date in the directory: contractors, for example.
  temporary: Bool,
};

/// A service account, CI pipeline, bot or AI agent.
entity Workload in [Group, Role] = {
  kind: String,
  temporary: Bool,
};

entity Resource = {
  tags: Set<String>,
  owners: Group,
};

type Ask = {
  selfRequested: Bool,
  /// True if the requester owns or sponsors the principal.
  requestedByGuardian: Bool,
  delegated: Bool,
  durationSeconds: Long,
  emergency: Bool,
  hasTicket: Bool,
  /// True if a machine has denied the same workload the same resource, or a control that guards it.
  deniedBefore: Bool,
  /// True if that denial was about a control that guards the resource.
  deniedByControl: Bool,
  /// How often the same was asked before and ended without access.
  timesAsked: Long,
  recentEmergencies: Long,
  /// How many of these a reviewer found unjustified.
  unjustifiedEmergencies: Long,
  /// For an execution: the tool and its target.
  tool?: String,
  target?: String,
};

/// What can be asked for. Add an action of the catalog here.
action ${actions.map(q).join(', ')} appliesTo {
  principal: [Person, Workload],
  resource: [Resource],
  context: Ask,
};

/// Changes to controls. The catalog stops them before any policy is asked.
action disable, exempt, change appliesTo {
  principal: [Person, Workload],
  resource: [Resource],
  context: Ask,
};
`;

/** Returns the policies that permit something. */
export function accessText(answers: Answers): string {
  const { team, connector, resource, action, maxDuration } = answers;
  const { policy, path, workloads } = namesIn(answers);
  return `// Who gets what, on which terms. What no policy here permits is refused. Ids are stable, because a reroute names them as its basis.

@id(${q(policy)})
@title(${q(`Pipelines and agents of ${team} ${action} ${resource} on ${connector}, if an approver of the team signs`)})
@path(${q(path)})
@max_duration(${q(maxDuration)})
permit (
  principal in Group::${q(workloads)},
  action == Action::${q(action)},
  resource == Resource::${q(`${connector}:${resource}`)}
);
`;
}

/** Policies that no permit can override. */
export const GUARD = `// What no permit can override.

@id("no-strangers-errands")
@title("Only the beneficiary, or their owner or sponsor, asks for access")
@safe_way("Ask as the identity that needs the access, or let its owner ask.")
forbid (principal, action, resource)
unless { context.selfRequested || context.requestedByGuardian };

@id("no-way-round-a-control")
@title("A workload that a control has just blocked does not get around it by asking people")
@hard_stop("DENIED_BY_CONTROL")
@safe_way("Resolve what the control found; the control names who can help.")
forbid (principal is Workload, action, resource)
when { context.deniedByControl };
`;
