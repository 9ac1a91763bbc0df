import { z } from 'zod';
import type { View } from '../layout';
import { Who } from '../parts/words';
import type { Visitor } from '../sessions';

/** What a program that wants to read says of itself: where it waits on this machine, and whose code it can exchange. */
export const askedSchema = z.strictObject({
  port: z.coerce.number().int().min(1_024).max(65_535),
  challenge: z.string().regex(/^[\w-]{43}$/, 'is not a code challenge (RFC 7636)'),
  state: z.string().regex(/^[\w-]{16,64}$/, 'is not a state'),
});
type Asked = z.output<typeof askedSchema>;

/** What the program shows as well, so that its reader sees that both belong together. */
const wordOf = ({ challenge }: Asked): string =>
  `${challenge.slice(0, 4)}-${challenge.slice(4, 8)}`.toUpperCase();

/** The page on which a person lets a program on their machine read. */
export const loginView = (asked: Asked, { person }: Visitor): View => ({
  title: 'Let the command line read',
  body: (
    <section class="door">
      <h1>Let the command line read?</h1>
      <p class="lead">
        A program on this computer wants to read requests as <Who id={person} />. It cannot decide anything:
        decisions are signed, each by itself.
      </p>
      <p>
        Go on only if you have just run <code>countersign login</code> here and it shows{' '}
        <strong>{wordOf(asked)}</strong>.
      </p>
      <form method="post" action="/login">
        {Object.entries(asked).map(([name, value]) => (
          <input type="hidden" name={name} value={String(value)} />
        ))}
        <button type="submit" class="primary wide">
          Let it read for eight hours
        </button>
      </form>
      <p>
        <a href="/">No, go to what waits for me</a>
      </p>
    </section>
  ),
});

/** The page after it. The browser goes on to the program by itself. */
export const loggedInView = (back: string): View => ({
  title: 'The command line may read',
  body: (
    <section class="door">
      <h1>The command line may read</h1>
      <p class="lead">
        You can close this page. <code>countersign logout</code> ends it.
      </p>
      <p>
        <a href={back}>Go on by hand if the program still waits</a>
      </p>
    </section>
  ),
});
