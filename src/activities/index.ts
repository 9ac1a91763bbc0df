import { assessActivity } from './assess';
import { checkStatementsActivity } from './check-statements';
import type { Dependencies } from './dependencies';
import { endAccessActivity } from './end-access';
import { provisionActivity } from './provision';
import { reportDenialActivity } from './report-denial';
import type { Activities } from './types';

/** The activities of a worker, over what that worker has. */
export function createActivities(dependencies: Dependencies): Activities {
  return {
    assess: assessActivity(dependencies),
    checkStatements: checkStatementsActivity(dependencies),
    provision: provisionActivity(dependencies),
    endAccess: endAccessActivity(dependencies),
    reportDenial: reportDenialActivity(dependencies),
  };
}
