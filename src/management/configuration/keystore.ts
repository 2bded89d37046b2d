import type { Secret } from "./secret.ts";

/** Key pairs by name. Symmetric keys are with those who use them. */
export interface KeystoreConfiguration {
  readonly asymmetricKeys: readonly {
    readonly name: string;
    /** Absolute. */
    readonly privateKeyFile: string;
    readonly certificates: readonly CertificateFile[];
  }[];
}

/** Authorities by the name of their bag. */
export interface TruststoreConfiguration {
  readonly bags: readonly { readonly name: string; readonly certificates: readonly CertificateFile[] }[];
}

export interface CertificateFile {
  readonly name: string;
  /** Absolute. */
  readonly certificateFile: string;
}

/** A symmetric key of the keystore, where it is used. */
export interface NamedKey {
  readonly name: string;
  readonly secret: Secret;
}

/** A key pair of the keystore with one of its certificates, where it is used: PEM, absolute paths. */
export interface KeyPairFiles {
  readonly certificateFile: string;
  readonly keyFile: string;
}
