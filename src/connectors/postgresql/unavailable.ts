/** A target that could not be reached or broke off. The message holds no address and no password. */
export class TargetUnavailable extends Error {
  override readonly name = 'TargetUnavailable';
  constructor(
    message: string,
    /** The database's own code, where it was the database that refused. */
    readonly sqlState?: string,
  ) {
    super(message);
  }
}
