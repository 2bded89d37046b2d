/** Returns `next(count)`, which gives the following `count` octets of the corpus. */
export function openCorpus(): (count: number) => Buffer;
/** SHA-256, in hex, of the first `length` octets. */
export function corpusDigest(length: number): string;
