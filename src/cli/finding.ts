/** One thing that `doctor` looked at. */
export interface Finding {
  readonly what: string;
  readonly ok: boolean;
  /** Present if it is no fault, and somebody should know of it all the same. */
  readonly isWarning?: true;
  readonly detail: string;
}
