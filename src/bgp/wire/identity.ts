import type { Origin } from "../../rib/index.ts";
import { NEXT_HOP_LENGTH } from "./next-hop.ts";

/*
 * The identity of a set: MP_REACH_NLRI with AFI, SAFI and a next hop of 16 octets, then every other attribute in the order of
 * the codes, headers as short as possible, as a 4-octet internal session would carry it.
 */

/** Octets of MP_REACH_NLRI: header, AFI, SAFI, length, next hop. */
export const IDENTITY_HEAD = 3 + 2 + 1 + 1 + NEXT_HOP_LENGTH;
export const IDENTITY_NEXT_HOP = IDENTITY_HEAD - NEXT_HOP_LENGTH;

/** By the value of ORIGIN. @see RFC 4271 §4.3 a) */
export const ORIGINS: readonly Origin[] = ["igp", "egp", "incomplete"];
