export { EnforcementPoint } from './enforcement-point';
export { type ExecutorEndpoint, serveExecutor } from './executor-endpoint';
export { GatewayError } from './gateway-error';
export { HolderKey } from './holder-key';
export { MigrationExecutor, type MigrationOutcome } from './migration-executor';
export { type Ask, identifierOf, Requester, type RequesterOptions, type Standing } from './requester';
export { TokenCheck } from './token-check';
export { byKey, byToken, type Voice } from './voice';
export type { Decision, Evaluation, ExecutionToken, TaskAnswer } from './wire';
