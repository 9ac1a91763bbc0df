import { DefaultLogger, type LogLevel, type Logger as TemporalLogger } from '@temporalio/worker';
import { type Logger, pino } from 'pino';

/** Structured log on stderr. What is logged names identities, codes and ids; never a key, a token or an address with a password. */
export function createLogger(level: string): Logger {
  return pino({ level, base: { service: 'countersign' } }, pino.destination(2));
}

const LEVELS: Readonly<Record<LogLevel, 'trace' | 'debug' | 'info' | 'warn' | 'error'>> = {
  TRACE: 'trace',
  DEBUG: 'debug',
  INFO: 'info',
  WARN: 'warn',
  ERROR: 'error',
};

/** The Temporal SDK's log, in ours. */
export function temporalLogger(logger: Logger): TemporalLogger {
  return new DefaultLogger('INFO', ({ level, message, meta }) => {
    const { error, ...rest } = meta ?? {};
    logger[LEVELS[level]]({ ...rest, ...(error instanceof Error && { error: error.message }) }, message);
  });
}
