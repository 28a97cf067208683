const SLASH = 47;

/** In: absolute normalised paths, without a slash at the end. Out: whether the first is the second or lies below it. */
export function isWithin(path: string, directory: string): boolean {
  if (!path.startsWith(directory)) return directory === "/";
  return path.length === directory.length || path.charCodeAt(directory.length) === SLASH || directory === "/";
}
