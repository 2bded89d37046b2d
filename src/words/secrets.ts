/** Leaves that hold keys, or a password where a hash of it belongs, and what is said of one behind it; names may be cut short. */
const SECRET = /(\b(?:cleartext-[a-z-]*|passwo[a-z-]*)["']?[\s:=]+)("(?:\\.|[^"\\])*"?|'[^']*'?|\S+)/g;

/** A line of words as it may be shown to others than who wrote it: with stars for keys. */
export function withoutSecrets(line: string): string {
  return line.replace(SECRET, "$1***");
}
