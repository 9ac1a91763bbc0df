export type { Bundle, BundlePolicy, BundleProblem, BundleSource } from './bundle';
export { BadBundle, createBundleSource } from './bundle-source';
export { explain } from './explain';
export { type LoadedBundle, loadBundle } from './load-bundle';
export { remembering } from './remembering';
export { FileTicketSource, type TicketSource } from './tickets';
