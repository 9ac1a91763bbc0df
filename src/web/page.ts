import type { GatewayContext } from '../gateway/http/app';
import type { View } from './layout';
import type { PageService } from './page-service';
import type { Visitor } from './sessions';

/** One look at a page by somebody who is signed in. */
export interface Visit {
  readonly c: GatewayContext;
  readonly visitor: Visitor;
  readonly service: PageService;
  readonly nowMs: number;
  /** The fields of the form that was sent to this page. Absent if it was opened. */
  readonly form?: Readonly<Record<string, unknown>>;
}

/** One page. To add one, write a file beside the others in `pages/` and put it into the table in `pages/index.ts`. */
export interface Page {
  readonly path: string;
  /** Its name in the navigation. A page without one is reached by links. */
  readonly label?: string;
  /** True if it has a form that is sent to its own address, by POST. Nothing is changed by that: what counts is signed. */
  readonly form?: boolean;
  /** Whether the navigation offers it to this person. What a page shows is decided by the page itself. */
  readonly isFor?: (visitor: Visitor) => boolean;
  /** @throws HttpProblem, which is shown as a page */
  readonly render: (visit: Visit) => Promise<View>;
}
