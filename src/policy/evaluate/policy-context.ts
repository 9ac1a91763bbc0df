import type { Directory } from '../../directory/directory';
import type { Digest } from '../../domain/digest';
import type { Catalog } from '../load/catalog';
import type { AskingAgainRules, EmergencyRules, PathDefinition } from '../load/paths-file';
import type { CedarEngine } from './cedar-engine';

/** The input of an assessment: one version of all parts of policy. */
export interface PolicyContext {
  readonly digest: Digest;
  readonly directory: Directory;
  readonly catalog: Catalog;
  readonly engine: CedarEngine;
  readonly paths: ReadonlyMap<string, PathDefinition>;
  readonly emergencyConditions: ReadonlySet<string>;
  readonly emergencies: EmergencyRules;
  readonly askingAgain: AskingAgainRules;
  readonly scrutiny: ReadonlyMap<string, string>;
  readonly reviewers: string;
}
