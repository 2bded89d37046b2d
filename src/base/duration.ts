/** A length of time in whole or fractional seconds. */
export type Seconds = number & { readonly unit: "s" };

/** A length of time in milliseconds, or a point on a clock that counts them. */
export type Milliseconds = number & { readonly unit: "ms" };

export const seconds = (value: number): Seconds => value as Seconds;
export const milliseconds = (value: number): Milliseconds => value as Milliseconds;
export const toMilliseconds = (value: Seconds): Milliseconds => (value * 1000) as Milliseconds;
export const toSeconds = (value: Milliseconds): Seconds => (value / 1000) as Seconds;
