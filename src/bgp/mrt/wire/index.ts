export * from "./bgp4mp.ts";
export * from "./record.ts";
export * from "./table-dump.ts";
