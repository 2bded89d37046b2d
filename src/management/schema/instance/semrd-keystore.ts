// biome-ignore-all format: generated from yang/*.yang by tools/generate-yang.mjs, not to be edited

export interface Keystore {
  readonly "asymmetric-keys"?: AsymmetricKeys;
  readonly "symmetric-keys"?: SymmetricKeys;
}

export interface AsymmetricKeys {
  readonly "asymmetric-key"?: readonly AsymmetricKey[];
}

export interface AsymmetricKey {
  readonly name: string;
  readonly "private-key-file": string;
  readonly certificates?: Certificates;
}

export interface Certificates {
  readonly certificate?: readonly Certificate[];
}

export interface Certificate {
  readonly name: string;
  readonly "certificate-file": string;
}

export interface SymmetricKeys {
  readonly "symmetric-key"?: readonly SymmetricKey[];
}

export interface SymmetricKey {
  readonly name: string;
  readonly "cleartext-symmetric-key": string;
}
