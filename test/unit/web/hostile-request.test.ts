import { Asked, ExactAction } from '../../../src/web/parts/about';
import { sampleRequest } from '../../support/keyring';

/* The parts of the page on which people decide, as HTML: nothing that a request says is unseen, or moves what is around it. */

const UNSEEN = {
  'a space of no width': '\u200b',
  'a joiner': '\u200d',
  'a byte order mark': '\ufeff',
  'a word joiner': '\u2060',
  'a soft hyphen': '\u00ad',
  'a tag': '\u{e0041}',
  'a mark that turns the direction': '\u202e',
  'an isolate': '\u2067',
  'a mark of direction': '\u061c',
  'a joiner of graphemes': '\u034f',
  'a vowel that is drawn as nothing': '\u17b4',
  'a variation selector': '\ufe0f',
  'a letter that is drawn as nothing': '\u3164',
  'an empty pattern of Braille': '\u2800',
};
const codeOf = (one: string) => `U+${(one.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;

describe('WEB-6, WEB-5 what a page says of a request', () => {
  test.each(Object.entries(UNSEEN))('shows %s wherever it stands', (_what, one) => {
    // On record from before such requests were refused.
    const parameters = {
      ...{ tool: `t${one}ool`, toolVersion: '1', target: `tar${one}get` },
      arguments: { [`x${one}by`]: 1, list: [`va${one}lue`] },
    };
    const request = sampleRequest({
      ...{ kind: 'execution', parameters, reason: `re${one}ason`, ticket: `OPS${one}-1` },
      presented: { subject: {}, resource: { ownerID: `o${one}wner` }, action: {} },
      ...{ containment: `con${one}tain`, rollback: `roll${one}back` },
    });
    const html =
      String(Asked({ request, digest: 'sha-256:x' })) + String(ExactAction({ request, parameters }));
    expect(html).not.toContain(one);
    // Tool, target, name and value of arguments, reason, ticket, what was presented, containment and rollback.
    expect(html.split(`<span class="unseen">${codeOf(one)}</span>`).length - 1).toBe(9);
  });
});
