// Reads a card by Microsoft's own SDK for adaptive cards, and prints what it finds wrong and how it reads it.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

// The package's own entry loads a carousel for browsers; its build for pages has everything in it.
const { AdaptiveCard, SerializationContext } = createRequire(import.meta.url)(
  'adaptivecards/dist/adaptivecards.js',
);
const context = new SerializationContext();
const card = new AdaptiveCard();
card.parse(JSON.parse(readFileSync(0, 'utf8')), context);
const wrong = Array.from({ length: context.eventCount }, (_, index) => context.getEventAt(index).message);
const invalid = card.validateProperties().validationEvents.map(({ message }) => message);
process.stdout.write(JSON.stringify({ wrong: [...wrong, ...invalid], card: card.toJSON() }));
