/** Of semrctl, which is that of semrd; a test compares it with package.json. */
export const VERSION = "0.1.0";
