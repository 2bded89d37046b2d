export * from "./pdu.ts";
