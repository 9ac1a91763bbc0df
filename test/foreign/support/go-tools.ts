import path from 'node:path';
import { goProgram } from '../../support/go-program';

const FOREIGN = path.resolve(__dirname, '..');
const CLIENT = 'a client of MCP (go-sdk v1.8.0)';

/** Returns the paths of the programs in Go that others wrote, which are built once into the cache. */
export const goTools = () => ({
  actionlint: goProgram(
    path.join(FOREIGN, 'ci/actionlint'),
    'actionlint',
    [],
    'github.com/rhysd/actionlint/cmd/actionlint',
  ),
  jcsCheck: goProgram(path.join(FOREIGN, 'canonical/jcs-check'), 'an independent reader of canonical JSON'),
  mcpClient: goProgram(path.join(FOREIGN, 'mcp/mcp-client'), CLIENT),
  gateClient: goProgram(path.join(FOREIGN, 'mcp/gate-client'), CLIENT),
});
