import unhomoglyph from 'unhomoglyph';

/** Returns the confusable skeleton of a name (UTS 39 section 4): names that a reader cannot tell apart have the same one. */
export const skeletonOf = (name: string): string =>
  unhomoglyph(name.trim().replace(/\s+/g, ' ').normalize('NFD')).normalize('NFD');
