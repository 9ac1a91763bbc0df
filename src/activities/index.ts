import { assessActivity } from './assess';
import { checkCarriedLogActivity } from './check-carried-log';
import { checkStatementsActivity } from './check-statements';
import type { Dependencies } from './dependencies';
import { endAccessActivity } from './end-access';
import { provisionActivity } from './provision';
import { reportDenialActivity } from './report-denial';
import type { Activities } from './types';

/** The activities of one worker. */
export function createActivities(dependencies: Dependencies): Activities {
  return {
    assess: assessActivity(dependencies),
    checkCarriedLog: checkCarriedLogActivity(dependencies),
    checkStatements: checkStatementsActivity(dependencies),
    provision: provisionActivity(dependencies),
    endAccess: endAccessActivity(dependencies),
    reportDenial: reportDenialActivity(dependencies),
  };
}
