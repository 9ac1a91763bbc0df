import { findDefinition } from '../../connectors/index';
import type { FileProblem } from '../../directory/yaml-file';
import type { ArgumentType } from '../arguments/declared';
import { partsOfResourceKey } from './catalog';
import type { CatalogParts } from './check-catalog';

/** What is wrong with the tools that the catalog maps: each has to be an exact action that somebody can be permitted. */
export function* checkTools({ catalog: { data, file }, engine }: CatalogParts): Generator<FileProblem> {
  for (const [server, tools] of Object.entries(data.tools))
    for (const [tool, mapping] of Object.entries(tools)) {
      const path = ['tools', server, tool];
      const { connector } = partsOfResourceKey(mapping.resource);
      const resource = Object.hasOwn(data.resources, mapping.resource)
        ? data.resources[mapping.resource]
        : undefined;
      if (resource === undefined || !Object.hasOwn(resource.actions, mapping.action)) {
        yield file.problem(
          path,
          `the catalog has no ${mapping.resource}#${mapping.action}; add it to "resources" or correct the tool`,
        );
        continue;
      }
      const isStopped = resource.actions[mapping.action]?.effect !== undefined;
      if (!isStopped && findDefinition(data.connectors[connector]?.kind ?? '')?.gives !== 'execution')
        yield file.problem(
          [...path, 'resource'],
          `${connector} gives access, and a call of a tool is an exact action; use a connector of kind execution-token`,
        );
      const { target, reason = '', containment, rollback, secrets = [] } = mapping;
      const named = Object.entries({ target, reason, containment, rollback }).flatMap(([member, text]) =>
        [...text.matchAll(/\{([^{}]+)\}/g)].map(([, name = '']) => ({ member, name })),
      );
      for (const { member, name } of named)
        if (secrets.includes(name.split('.')[0] ?? ''))
          yield file.problem(
            [...path, member],
            `{${name}} is one of "secrets", and this text is shown and kept; leave it out of the text`,
          );
      const declared = engine.declared.get(mapping.action);
      if (declared === undefined) continue;
      for (const name of secrets)
        if (!declared.members.has(name))
          yield file.problem(
            [...path, 'secrets'],
            `${mapping.action} declares no argument ${name}; declare it in schema.cedarschema or correct the name`,
          );
      for (const { member, name } of named)
        if (!isDeclared(declared, name.split('.')))
          yield file.problem(
            [...path, member],
            `${mapping.action} declares no argument ${name}; declare it in schema.cedarschema or correct the name`,
          );
      if (mapping.nonce !== undefined && declared.members.has(mapping.nonce))
        yield file.problem(
          [...path, 'nonce'],
          `${mapping.action} declares ${mapping.nonce} itself, so a call with another value is another call anyway; remove "nonce"`,
        );
    }
}

function isDeclared(type: ArgumentType, [name, ...rest]: readonly string[]): boolean {
  if (name === undefined) return true;
  const member = type.kind === 'Record' ? type.members.get(name) : undefined;
  return member !== undefined && isDeclared(member.type, rest);
}
