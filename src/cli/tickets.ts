import type { Logger } from '../contracts/logger';
import { FileTicketSource } from '../policy';

/** Opens the tickets for a program that runs on. That they cannot be looked up is an alert: until they can, every reroute is refused. */
export function toldTickets(file: string | undefined, logger: Logger): FileTicketSource {
  const tickets = new FileTicketSource(file, (why) =>
    logger.error({ why }, 'ALERT tickets cannot be looked up, so no ticket counts'),
  );
  // Looks at once, so that it is told at the start and not at the first ticket.
  void tickets.open();
  return tickets;
}
