import { DefaultLogger } from '@temporalio/worker';

/** Logs errors only, so that the output is the table. */
export const quietLogger = new DefaultLogger('ERROR');
