const effort = Number(process.env['PROPERTY_EFFORT'] ?? '1');

/**
 * How many generated histories a property is tried on. `PROPERTY_EFFORT` multiplies it: 5 where more is wanted
 * (`npm run test:histories`), a small part of it where each of many mutants has to be tried.
 */
export const tries = (usual: number): number => Math.max(1, Math.round(usual * effort));

/** Whether enough was tried to expect that every way through was found. */
export const isThorough: boolean = effort >= 1;
