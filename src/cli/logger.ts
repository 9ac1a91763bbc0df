import { DefaultLogger, type Logger as TemporalLogger } from '@temporalio/worker';
import { pino } from 'pino';
import type { Logger } from '../contracts/logger';

/** Creates the program's logger: JSON lines on stderr, from `level` upwards. */
export function createLogger(level: string): Logger {
  return pino({ level, base: { service: 'countersign' } }, pino.destination(2));
}

/** Passes what the Temporal SDK logs, from INFO upwards, to our logger. */
export function temporalLogger(logger: Logger): TemporalLogger {
  return new DefaultLogger('INFO', ({ level, message, meta }) => {
    const { error, ...rest } = meta ?? {};
    const write = level === 'ERROR' ? 'error' : level === 'WARN' ? 'warn' : 'info';
    logger[write]({ ...rest, ...(error instanceof Error && { error: error.message }) }, message);
  });
}
