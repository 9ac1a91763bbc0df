import type { GatewayContext } from '../../gateway/http/app';

/** Rows of a list that are shown at a time. */
interface PageOfRows<Row> {
  readonly rows: readonly Row[];
  readonly number: number;
  readonly last: number;
}

/** Returns which page of a list the address asks for. The first one, if it asks for none that can be. */
export function numberIn(c: GatewayContext, name: string): number {
  const asked = Number(c.req.query(name) ?? '1');
  return Number.isSafeInteger(asked) && asked >= 1 ? asked : 1;
}

/** Returns one page of a list, the last one if `number` is beyond it. */
export function pageOf<Row>(rows: readonly Row[], number: number, size: number): PageOfRows<Row> {
  const last = Math.max(1, Math.ceil(rows.length / size));
  const at = Math.min(number, last);
  return { rows: rows.slice((at - 1) * size, at * size), number: at, last };
}

interface PageLinksProps {
  readonly page: Pick<PageOfRows<unknown>, 'number' | 'last'>;
  readonly name: string;
  /** What is listed, for those who hear the links and do not see them. */
  readonly what: string;
}

/** Links to the pages before and after. Nothing if all rows are shown. */
export const PageLinks = ({ page: { number, last }, name, what }: PageLinksProps) =>
  last === 1 ? null : (
    <nav class="paging" aria-label={`Pages of: ${what}`}>
      {number > 1 && <a href={`?${name}=${number - 1}#${name}`}>Newer</a>}
      <span class="muted">{`${number} of ${last}`}</span>
      {number < last && <a href={`?${name}=${number + 1}#${name}`}>Older</a>}
    </nav>
  );
