// biome-ignore-all format: generated from yang/*.yang by tools/generate-yang.mjs, not to be edited

export interface Truststore {
  readonly "certificate-bags"?: CertificateBags;
}

export interface CertificateBags {
  readonly "certificate-bag"?: readonly CertificateBag[];
}

export interface CertificateBag {
  readonly name: string;
  readonly description?: string;
  readonly certificate: readonly Certificate[];
}

export interface Certificate {
  readonly name: string;
  readonly "certificate-file": string;
}
