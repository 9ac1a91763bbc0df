type Json = Record<string, unknown>;

/** What a submission says besides what was denied. */
export const JUSTIFIED = { business_justification: 'a reason for the tests' };
export const CONTAINED = {
  ...JUSTIFIED,
  'urn:countersign:containment': 'stop the pipeline',
  'urn:countersign:rollback': 'run the reverse change',
};

/** What a caller returns of a denial, as it was. */
export function denialOf(decision: { context: Json }): Json {
  const { evaluation_id, evaluated_at, reason } = decision.context;
  const { expires_at, binding_token, template } = decision.context['access_request'] as Json;
  return { evaluation_id, evaluated_at, reason, expires_at, binding_token, template };
}

export const WRITE = {
  subject: { type: 'ci', id: 'payments' },
  action: { name: 'write' },
  resource: { type: 'warehouse', id: 'payments' },
};
export const READ = {
  subject: { type: 'agent', id: 'atlas' },
  action: { name: 'read' },
  resource: { type: 'warehouse', id: 'reporting' },
};

/** An exact action that one owner signs for. */
export const rotation = (version: number) => ({
  subject: { type: 'ci', id: 'payments' },
  action: {
    name: 'rotate',
    properties: {
      tool: 'vault-rotate',
      tool_version: '1',
      target: 'payments-secrets',
      arguments: { path: 'payments/stripe', version },
    },
  },
  resource: { type: 'changes', id: 'payments-secrets' },
});
export const actionOf = ({ action }: ReturnType<typeof rotation>) => ({
  tool: action.properties.tool,
  toolVersion: action.properties.tool_version,
  target: action.properties.target,
  arguments: action.properties.arguments,
});
