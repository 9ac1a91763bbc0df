import type { Child } from 'hono/jsx';
import type { RequestRow } from '../../client';
import type { VerifiedList } from '../../verified/verified-requests';
import { Status } from './status';
import { When, Who } from './words';

interface RowsProps {
  readonly list: Pick<VerifiedList, 'rows'>;
  readonly titleOf: (entitlement: string) => string | undefined;
  /** What is said if there is none. */
  readonly none?: string;
  /** What stands below each row. */
  readonly below?: (row: { readonly id: string }) => Child;
}

/** Requests in rows, each a link to its page. */
export const Rows = ({ list: { rows }, titleOf, none, below }: RowsProps) =>
  rows.length === 0 ? (
    <p class="muted">{none}</p>
  ) : (
    <ul class="rows">
      {rows.map((row) => (
        <li>
          <Row row={row} title={titleOf(row.entitlement)} />
          {below?.(row)}
        </li>
      ))}
    </ul>
  );

/** One request, as a link to its page. */
export const Row = ({ row, title }: { readonly row: RequestRow; readonly title: string | undefined }) => (
  <a class="row" href={`/requests/${row.id}`}>
    <span class="what">
      <strong>{title ?? row.entitlement}</strong>
      <span class="for">
        <code>{row.entitlement}</code> for <Who id={row.beneficiary} />
        {row.requester !== row.beneficiary && (
          <>
            {', asked by '}
            <Who id={row.requester} />
          </>
        )}
      </span>
    </span>
    <span class="state">
      {row.emergency && <span class="badge bad">emergency</span>} <Status status={row.status} />
      <Moment row={row} />
    </span>
  </a>
);

function Moment({ row: { expiresAt, startedAt } }: { readonly row: RequestRow }) {
  const at = expiresAt ?? startedAt;
  if (at === undefined) return null;
  return (
    <span class="until">
      {expiresAt === undefined ? 'asked ' : 'until '}
      <When atMs={at.getTime()} />
    </span>
  );
}

/** What a list leaves out: requests that the server lists and nobody can prove, which are counted and never shown, and those beyond its end. */
export const Withheld = ({ list: { rows, withheld, isWhole, hasMore } }: { readonly list: VerifiedList }) => (
  <>
    {hasMore && <p class="muted">{`There may be more than the ${rows.length} that are listed here.`}</p>}
    {withheld.length === 0 ? null : (
      <p class="said bad">
        {`${withheld.length} more ${withheld.length === 1 ? 'is' : 'are'} listed by the server and not shown, because nothing proves ${withheld.length === 1 ? 'it' : 'them'}. Operators find out more with countersign doctor.`}
      </p>
    )}
    {isWhole ? null : (
      <p class="said bad">
        The server lists more than could be checked in time, so something may be missing here. Load the page
        again to go on.
      </p>
    )}
  </>
);
