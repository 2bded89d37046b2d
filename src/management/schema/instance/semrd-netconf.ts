// biome-ignore-all format: generated from yang/*.yang by tools/generate-yang.mjs, not to be edited

export interface Netconf {
  readonly ssh: Ssh;
  readonly tls: Tls;
  readonly "call-home": CallHome;
  readonly "maximum-sessions": number;
  readonly "maximum-message-size": number;
  readonly "hello-timeout": number;
  readonly "idle-timeout": number;
}

export interface Ssh {
  readonly listen?: readonly Listen[];
  readonly "login-timeout": number;
  readonly "maximum-logins": number;
  readonly "maximum-attempts": number;
}

export interface Listen {
  readonly address: string;
  readonly port: number;
}

export interface Tls {
  readonly listen?: readonly Listen[];
  readonly "asymmetric-key"?: string;
  readonly certificate?: string;
  readonly "client-ca-certs"?: string;
  readonly "login-timeout": number;
  readonly "maximum-logins": number;
  readonly "user-of-certificate"?: readonly UserOfCertificate[];
}

export interface UserOfCertificate {
  readonly id: number;
  readonly fingerprint: string;
  readonly take: "specified" | "san-rfc822-name" | "san-dns-name" | "san-ip-address" | "san-any" | "common-name";
  readonly user?: string;
}

export interface CallHome {
  readonly client?: readonly Client[];
  readonly "retry-interval": number;
  readonly "maximum-retry-interval": number;
}

export interface Client {
  readonly name: string;
  readonly transport: "ssh" | "tls";
  readonly address: string;
  readonly port: number;
}
