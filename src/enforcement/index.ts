export { EnforcementPoint } from './enforcement-point';
export { type ExecutorEndpoint, serveExecutor } from './executor-endpoint';
export { GatewayError } from './gateway-error';
export { HolderKey } from './holder-key';
export { MigrationExecutor, type MigrationOutcome } from './migration-executor';
export { TokenCheck } from './token-check';
export type { Decision, Evaluation, ExecutionToken, TaskAnswer } from './wire';
