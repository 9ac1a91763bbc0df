const effort = Number(process.env['PROPERTY_EFFORT'] ?? '1');

/**
 * How many generated histories a property is tried on. `PROPERTY_EFFORT` multiplies it: 5 for a longer run
 * (`npm run test:histories`), a fraction when many mutants have to be tried.
 */
export const tries = (usual: number): number => Math.max(1, Math.round(usual * effort));

/** Returns true if enough was tried to expect that every path was found. */
export const isThorough: boolean = effort >= 1;
