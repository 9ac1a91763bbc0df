export {
  type CatalogGrant,
  type Connector,
  type Drift,
  endingOf,
  type Finding,
  type FindingKind,
  type FindingStore,
  type Inventory,
  type KeptFinding,
  type LeaseRecord,
  leaseOf,
  type NeverGiven,
  outcomeOfEarlier,
  type ProvisionResult,
  type RevocationResult,
} from '../contract';
export {
  type ConnectorDefinition,
  defineConnector,
  type HolderEnvironment,
  type KindOf,
} from '../definition';
export { type AuthorisationOptions, authorise } from './authorise';
export { type ContractCase, connectorContract } from './contract';
export type { ConnectorUnderTest } from './target';
