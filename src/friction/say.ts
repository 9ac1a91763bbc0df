const UNITS: readonly (readonly [string, number])[] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
];

/** Formats a span for people, in at most two units: `2h 5m`, `40s`, `120ms`. */
export function saySpan(spanMs: number): string {
  if (spanMs < 1_000) return `${Math.round(spanMs)}ms`;
  if (spanMs < 10_000) return `${Math.round(spanMs / 100) / 10}s`;
  const ms = Math.round(spanMs / 1_000) * 1_000;
  const index = UNITS.findIndex(([, unitMs]) => ms >= unitMs);
  const [unit, unitMs] = UNITS[index] ?? ['s', 1_000];
  const [nextUnit, nextMs] = UNITS[index + 1] ?? ['', 0];
  if (nextMs === 0) return `${Math.round(ms / unitMs)}${unit}`;
  const whole = Math.floor(ms / unitMs);
  const rest = Math.round((ms - whole * unitMs) / nextMs);
  if (rest === unitMs / nextMs) return `${whole + 1}${unit}`;
  return rest === 0 ? `${whole}${unit}` : `${whole}${unit} ${rest}${nextUnit}`;
}
