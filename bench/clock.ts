/** Milliseconds of the machine's monotonic clock. Every process of one machine reads the same clock, so their times can be subtracted. */
export const nowMs = (): number => Number(process.hrtime.bigint()) / 1e6;
