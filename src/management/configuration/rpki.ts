/** Validation of origins. @see RFC 6811 */
export interface RpkiConfiguration {
  /** Empty: nothing is validated. */
  readonly caches: readonly RpkiCacheConfiguration[];
}

export interface RpkiCacheConfiguration {
  readonly name: string;
  /** Address, or name of a host. */
  readonly address: string;
  readonly port: number;
  /** Lower ones are preferred. */
  readonly preference: number;
}
