import fc from 'fast-check';

/** The same generated values each time, where the environment asks for it. */
const seed = process.env['PROPERTY_SEED'];
if (seed !== undefined) fc.configureGlobal({ seed: Number(seed) });
