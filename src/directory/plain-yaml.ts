import {
  CORE_SCHEMA,
  constructFromEvents,
  defineMappingTag,
  defineScalarTag,
  EVENT_ID,
  type Event,
  floatCoreTag,
  mapTag,
  parseEvents,
} from 'js-yaml';

/** A number that is too large is text to one parser and infinite to the other. */
const float = defineScalarTag(floatCoreTag.tagName, {
  ...floatCoreTag,
  resolve: (source, isExplicit, tagName) => {
    if (Math.abs(Number(source)) === Number.POSITIVE_INFINITY) throw new RangeError('a number is too large');
    return floatCoreTag.resolve(source, isExplicit, tagName);
  },
});

/** The core schema of YAML 1.2, in which keys are text: two parsers make different text of a key that is a number or nothing. */
const SCHEMA = CORE_SCHEMA.withTags(
  float,
  defineMappingTag(mapTag.tagName, {
    ...mapTag,
    addPair: (map, key, value) =>
      typeof key === 'string' && key !== '<<' ? mapTag.addPair(map, key, value) : 'a key is not plain text',
  }),
);

/** Tags, anchors, aliases and directives are not plain; nor is a second document. */
function isPlain(event: Event): boolean {
  switch (event.type) {
    case EVENT_ID.DOCUMENT:
      return !event.explicitStart && !event.explicitEnd && event.directives.length === 0;
    case EVENT_ID.SEQUENCE:
    case EVENT_ID.MAPPING:
    case EVENT_ID.SCALAR:
      return event.tagStart === event.tagEnd && event.anchorStart === event.anchorEnd;
    case EVENT_ID.ALIAS:
      return false;
    case EVENT_ID.POP:
      return true;
  }
}

/**
 * Parses YAML ten times as fast as `YamlFile` does, by a library that knows no lines. What both accept, they read as the same.
 * Returns undefined if the text is wrong in any way, or is not plain: `YamlFile` then says what it is.
 */
export function parsePlainYaml(text: string): unknown {
  // An end of a document that never began, which only one of the two minds.
  if (/^\.{3}/m.test(text)) return undefined;
  try {
    const events = parseEvents(text, {});
    return events.every(isPlain)
      ? constructFromEvents(events, { source: text, schema: SCHEMA })[0]
      : undefined;
  } catch {
    return undefined;
  }
}
