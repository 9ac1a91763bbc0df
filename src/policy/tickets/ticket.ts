import type { PrincipalId } from '../../domain/principal';

/** What policy demands of a ticket besides that it exists and is open. */
export interface TicketDemands {
  /** It lies in one of these projects. */
  readonly projects?: readonly string[];
  /** One of these people has it. */
  readonly assignee?: readonly PrincipalId[];
  /** One of these people opened it. */
  readonly reporter?: readonly PrincipalId[];
}

/** A ticket as its system has it, with people as the directory names them. */
export interface Ticket {
  readonly project: string;
  readonly isOpen: boolean;
  readonly assignees: readonly PrincipalId[];
  readonly reporter?: PrincipalId;
}

export type TicketAnswer =
  | { readonly found: true }
  /** `why` is for the person who named the ticket. It holds nothing that the ticket says. */
  | { readonly found: false; readonly why?: string };

/** The source of tickets. */
export interface TicketSource {
  /**
   * Whether a ticket exists and is as policy demands.
   *
   * @throws TicketSystemAway if nobody can say that now, so it is neither yes nor no
   */
  check(reference: string, demands: TicketDemands): Promise<TicketAnswer>;
}

/** Returns why a ticket does not count, or that it does. */
export function judgeTicket(ticket: Ticket, demands: TicketDemands): TicketAnswer {
  const no = (why: string): TicketAnswer => ({ found: false, why });
  if (!ticket.isOpen) return no('the ticket is not open; name one that is');
  if (demands.projects?.includes(ticket.project) === false)
    return no(`the ticket is of a project that policy does not name (${demands.projects.join(', ')})`);
  if (demands.assignee?.some((who) => ticket.assignees.includes(who)) === false)
    return no(`policy demands that the ticket is assigned to ${demands.assignee.join(' or ')}`);
  if (demands.reporter?.some((who) => ticket.reporter === who) === false)
    return no(`policy demands that ${demands.reporter.join(' or ')} opened the ticket`);
  return { found: true };
}
