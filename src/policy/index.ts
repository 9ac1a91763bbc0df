export { assess, type PolicyBook } from './assess';
export type { Bundle, BundlePolicy, BundleProblem, BundleSource } from './bundle';
export { BadBundle, createBundleSource } from './bundle-source';
export type { CatalogEntry } from './catalog';
export type { Presented } from './cedar-question';
export { explain } from './explain';
export { type LoadedBundle, loadBundle } from './load-bundle';
export { remembering } from './remembering';
export { FileTicketSource, type TicketSource } from './tickets';
