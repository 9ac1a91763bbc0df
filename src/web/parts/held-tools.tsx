import type { ToolChanges } from '../../gateway/tool-changes';
import { When, Who, Words } from './words';

/** Tools that gates hold because their servers describe them otherwise than somebody has looked at. */
export const HeldTools = ({ held }: { readonly held: ReturnType<ToolChanges['held']> }) => (
  <section id="held-tools">
    <h2>{`Tools that changed, and are held (${held.length})`}</h2>
    {held.length === 0 ? (
      <p class="muted">No gate has reported one since this gateway started.</p>
    ) : (
      <ul class="rows">
        {held.map(({ server, tool, differences, by, atMs }) => (
          <li>
            <p>
              <code>{`${server} ${tool}`}</code>, reported by <Who id={by} /> <When atMs={atMs} />
            </p>
            <ul>
              {differences.map((line) => (
                <li>
                  <Words text={line} />
                </li>
              ))}
            </ul>
          </li>
        ))}
      </ul>
    )}
    <p class="muted">
      The words are the server's. If they are right, pin the tool again (<code>countersign gate pin</code>)
      where the bundle is reviewed; if not, take the tool out of the catalog.
    </p>
  </section>
);
