/** Where parjob's own folder is. Files that are named from there are found from a bundle of this code as from its sources. */
export const PACKAGE_ROOT = new URL('../../', import.meta.url);
