import type { Model } from "./parts.ts";
import { ENCODINGS } from "./values.ts";

const VERSION = "0.10.0";

/** @see gNMI specification §3.2 */
export const capabilities = ({ modules }: Model): object => ({
  supported_models: modules.map(({ name, organization, revision }) => ({ name, organization, version: revision })),
  // ASCII is for origin cli.
  supported_encodings: [...ENCODINGS, "ASCII"],
  gNMI_version: VERSION,
});
