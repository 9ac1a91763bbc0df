/**
 * Returns true if others than those who were given a file of secrets can read it. Its group may read one that its owner cannot write (0440), or
 * that belongs to somebody else: so a secret is mounted for the group of a process.
 */
export function isOpenToOthers({ mode, uid }: { readonly mode: number; readonly uid: number }): boolean {
  if ((mode & 0o037) !== 0) return true;
  const isGiven = (mode & 0o200) === 0 || uid !== process.getuid?.();
  return (mode & 0o040) !== 0 && !isGiven;
}
