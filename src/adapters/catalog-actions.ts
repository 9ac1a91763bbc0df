import { fillTemplate } from '../gate/template';
import { FileTicketSource, loadBundle, type ToolMapping } from '../policy';
import { type ActionTerms, type CallText, NotExecuted } from './action-gate';

/**
 * Returns the terms of the tools that the catalog of a bundle maps for one server (`tools:` in `catalog.yaml`), by name. So a tool is the
 * same action with the same texts, whether an agent calls it through `countersign gate` or through the hook of its framework.
 * Calls are proposed for the `within` of the tool, so the policies that let them through have to allow as long (`@max_duration`).
 *
 * @param prefix what the framework puts before the names, such as `mcp__payments__`
 * @throws Error of one line if the bundle is not valid, or maps no tool of the server
 */
export async function catalogActions(
  bundleDir: string,
  server: string,
  prefix = '',
): Promise<Readonly<Record<string, ActionTerms>>> {
  const loaded = await loadBundle(bundleDir, new FileTicketSource(undefined));
  if (!loaded.ok) {
    const [first] = loaded.problems;
    throw new Error(`${bundleDir}: ${first?.file}:${first?.line}: ${first?.message}`);
  }
  const { catalog } = loaded.bundle.context;
  const names = catalog.tools().get(server) ?? [];
  if (names.length === 0)
    throw new Error(`${bundleDir}/catalog.yaml maps no tools of ${server}; add them under "tools"`);
  return Object.fromEntries(
    names.flatMap((name) => {
      const mapping = catalog.tool(server, name);
      if (mapping === undefined) return [];
      const [connector = '', resource = ''] = mapping.resource.split(/:(.*)/s);
      const entitlement = { connector, resource, action: mapping.action };
      const title = catalog.entry(entitlement)?.title ?? name;
      return [[`${prefix}${name}`, termsOf(`${prefix}${name}`, entitlement, title, mapping)]];
    }),
  );
}

function termsOf(
  tool: string,
  entitlement: ActionTerms['entitlement'],
  title: string,
  { target, reason = title, containment, rollback, within }: ToolMapping,
): ActionTerms {
  const filled =
    (template: string): CallText =>
    (given) => {
      const text = fillTemplate(template, given);
      if (text.ok) return text.text;
      throw new NotExecuted(
        `${tool} was not executed: the argument ${text.missing} is missing`,
        'ARGUMENTS_NOT_AS_DECLARED',
      );
    };
  return {
    entitlement,
    minutes: within / 60_000,
    ...{ target: filled(target), reason: filled(reason) },
    ...{ containment: filled(containment), rollback: filled(rollback) },
  };
}
