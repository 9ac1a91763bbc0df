import type { Child } from 'hono/jsx';

/** A part of a bar: how long it is, and what it stands for. */
export interface BarPart {
  readonly value: number;
  readonly look: 'main' | 'pale' | 'good' | 'bad' | 'wait' | 'over';
}

export interface BarRow {
  readonly name: Child;
  /** One after another, from the left. */
  readonly parts: readonly BarPart[];
  /** The same in words. Whoever does not see the bar misses nothing. */
  readonly words: string;
}

interface BarsProps {
  readonly caption: string;
  /** The heads of the names and of the words. */
  readonly heads: readonly [names: string, words: string];
  readonly rows: readonly BarRow[];
  /** What the colours stand for, where there are several. */
  readonly legend?: readonly (readonly [look: BarPart['look'], words: string])[];
}

const WIDTH = 200;
const HEIGHT = 10;

/** A chart of bars that is a table too: each row has its name, its bar, and its numbers in words. */
export function Bars({ caption, heads: [names, words], rows, legend = [] }: BarsProps) {
  const longest = Math.max(1, ...rows.map(({ parts }) => sum(parts)));
  return (
    <figure class="bars">
      <table>
        <caption>{caption}</caption>
        <thead>
          <tr>
            <th scope="col">{names}</th>
            <th scope="col">{words}</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr>
              <th scope="row">{row.name}</th>
              <td>
                <div class="measure">
                  <Bar parts={row.parts} longest={longest} />
                  <span>{row.words}</span>
                </div>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {legend.length > 0 && (
        <figcaption class="legend">
          {legend.map(([look, said]) => (
            <span>
              <svg viewBox="0 0 10 10" width="10" height="10" aria-hidden="true">
                <rect class={look} width="10" height="10" />
              </svg>{' '}
              {said}
            </span>
          ))}
        </figcaption>
      )}
    </figure>
  );
}

/** A name of ours that may break after its separators, and nowhere else. */
export const Name = ({ text }: { readonly text: string }) => (
  <code class="name">
    {text.split(/(?<=[:/#])/).map((piece, index) => (
      <>
        {index > 0 && <wbr />}
        {piece}
      </>
    ))}
  </code>
);

/** Attributes and classes only: the content security policy lets no style stand in a page. */
function Bar({ parts, longest }: { readonly parts: readonly BarPart[]; readonly longest: number }) {
  let fromLeft = 0;
  return (
    <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
      <rect class="track" width={WIDTH} height={HEIGHT} />
      {parts.map(({ value, look }) => {
        const width = Math.round((value / longest) * WIDTH * 10) / 10;
        const x = fromLeft;
        fromLeft += width;
        return width === 0 ? undefined : <rect class={look} x={x} width={width} height={HEIGHT} />;
      })}
    </svg>
  );
}

const sum = (parts: readonly BarPart[]): number => parts.reduce((all, { value }) => all + value, 0);
