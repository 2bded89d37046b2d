export { type AccessTokens, openAccessTokens, type TokenIssuer } from "./access-tokens.ts";
export type { LeaseOptions } from "./api.ts";
export {
  type CertificateOptions,
  RegistrationStartError,
  type RegistrationStartFault,
  readCertificate,
} from "./certificate.ts";
export {
  type HealthChecker,
  type HealthCheckerOptions,
  type HealthCheckerParts,
  startHealthChecker,
} from "./health/health-checker.ts";
export {
  type Outcomes,
  type PassiveHealth,
  type PassiveHealthOptions,
  startPassiveHealth,
} from "./health/passive-health.ts";
export { networkProbe, type Probe, type ProbeResult } from "./health/probe.ts";
export type { ListenAddress } from "./listener.ts";
export { PROBLEMS, type ProblemCode, RegistrationError, type RegistrationFault } from "./problems.ts";
export {
  type RegistrationOptions,
  type RegistrationParts,
  type RegistrationServer,
  startRegistrationServer,
} from "./server.ts";
export { createTokenVerifier, type IssuerOptions, type Principal, type TokenVerifier } from "./token-verifier.ts";
