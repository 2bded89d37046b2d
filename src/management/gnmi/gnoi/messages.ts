/* Messages of gNOI as `@grpc/proto-loader` gives them: see ../messages.ts. */

export type RebootMethod = "UNKNOWN" | "COLD" | "POWERDOWN" | "HALT" | "WARM" | "NSF" | "POWERUP";

export interface RebootRequest {
  readonly method: RebootMethod | number;
  readonly delay: string;
  readonly message: string;
  readonly subcomponents: readonly object[];
  readonly force: boolean;
}

export interface CancelRebootRequest {
  readonly message: string;
  readonly subcomponents: readonly object[];
}

export interface RebootStatusRequest {
  readonly subcomponents: readonly object[];
}

export interface PingRequest {
  readonly destination: string;
  readonly source: string;
  readonly count: number;
  readonly interval: string;
  readonly wait: string;
  readonly size: number;
  readonly do_not_fragment: boolean;
  readonly l3protocol: "UNSPECIFIED" | "IPV4" | "IPV6" | number;
  readonly network_instance: string;
}

/** Absent fields are not sent. */
export interface PingResponse {
  readonly source?: string;
  readonly time?: string;
  readonly sent?: number;
  readonly received?: number;
  readonly min_time?: string;
  readonly avg_time?: string;
  readonly max_time?: string;
  readonly std_dev?: string;
  readonly bytes?: number;
  readonly sequence?: number;
  readonly ttl?: number;
}
