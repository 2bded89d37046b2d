/** A length of time in whole or fractional seconds. */
export type Seconds = number & { readonly unit: "s" };

/** A length of time in milliseconds, or a point on a clock that counts them. */
export type Milliseconds = number & { readonly unit: "ms" };

/** A number of seconds, with its unit in the type. */
export const seconds = (value: number): Seconds => value as Seconds;
/** A number of milliseconds, with its unit in the type. */
export const milliseconds = (value: number): Milliseconds => value as Milliseconds;
/** Seconds in milliseconds. */
export const toMilliseconds = (value: Seconds): Milliseconds => (value * 1000) as Milliseconds;
/** Milliseconds in seconds; fractions stay. */
export const toSeconds = (value: Milliseconds): Seconds => (value / 1000) as Seconds;
