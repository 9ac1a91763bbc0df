export type { Bundle, BundleProblem, BundleSource } from './bundle';
export { BadBundle, createBundleSource } from './bundle-source';
export { explain } from './explain';
export { type LoadedBundle, loadBundle } from './load-bundle';
export { FileTicketSource, type TicketSource } from './tickets';
