export { authoritiesOf, authorityOver } from './authority';
export type { BundleSource } from './bundle';
export { samplesFor } from './evaluate/arguments-seen';
export { assess } from './evaluate/assess';
export type { PolicyContext } from './evaluate/policy-context';
export { readBundleFiles } from './load/bundle-folder';
export { createBundleSource } from './load/bundle-source';
export type { CatalogEntry } from './load/catalog';
export type { ToolMapping } from './load/catalog-file';
export { withRegister } from './load/enrolled-bundles';
export { bundleOf, type LoadedBundle, loadBundle } from './load/load-bundle';
export { SnapshotVerifier, withSources } from './load/sourced-bundles';
export { FileTicketSource } from './load/tickets';
export {
  definitionDigest,
  definitionIn,
  PINS_FILE,
  readToolPins,
  type ToolDefinition,
  type ToolPins,
} from './load/tool-pins';
export type { TicketSource } from './tickets/ticket';
export { adviceOn } from './tryout/advice';
export { runBundleTests } from './tryout/bundle-tests';
export { explain } from './tryout/explain';
export { explore } from './tryout/explore';
export { preview } from './tryout/preview';
export { proposedIn, withChange } from './tryout/proposal';
export type { RecordedRequest } from './tryout/recorded-past';
