export { Collector, type CollectorOptions, type CollectorState } from "./collector.ts";
export { FlowBook, type FlowBookOptions, type Progress } from "./flow-book.ts";
export { IpfixWriter } from "./ipfix.ts";
export type { FlowAmount, FlowReason, FlowRecord, SeenFlow } from "./record.ts";
