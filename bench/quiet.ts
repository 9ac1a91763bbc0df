import { DefaultLogger } from '@temporalio/worker';

/** Only errors: the table is what the bench has to say. */
export const quietLogger = new DefaultLogger('ERROR');
