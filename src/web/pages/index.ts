import type { Page } from '../page';
import { askPage } from './ask';
import { auditPage } from './audit';
import { frictionPage } from './friction';
import { governancePage } from './governance';
import { homePage } from './home';
import { keysPage } from './keys';
import { requestPage } from './request';

/** Every page for people who are signed in. The navigation shows those with a label, in this order. */
export const PAGES: readonly Page[] = [
  homePage,
  askPage,
  governancePage,
  auditPage,
  frictionPage,
  keysPage,
  requestPage,
];
