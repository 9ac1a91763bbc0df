import type { Logger } from '../contracts/logger';
import { FileTicketSource } from '../policy';

/** Opens the list of tickets for a program that runs on. A list that cannot be read is an alert: until it can, every reroute is refused. */
export function toldTickets(file: string | undefined, logger: Logger): FileTicketSource {
  const tickets = new FileTicketSource(file, (why) =>
    logger.error({ why }, 'ALERT the list of tickets cannot be read, so no ticket counts'),
  );
  // Looks at once, so that it is told at the start and not at the first ticket.
  void tickets.exists('');
  return tickets;
}
