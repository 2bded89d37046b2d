/**
 * A port on an address that others use too: of this process, so that any number of them run at once, and below those that the kernel
 * gives out (32768 on), one of which may be somebody's at any moment.
 */
export const OWN_PORT = 20_000 + (process.pid % 12_000);
