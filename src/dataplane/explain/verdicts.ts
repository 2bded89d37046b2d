import type { Verdict } from "../abi.ts";

/** What each verdict means to an operator: what became of the packet, and whose turn it is. */
export const VERDICT_TEXT: Readonly<Record<Verdict, string>> = {
  passed: "not the data plane's business: the kernel's own routing decides",
  encapsulated: "sent through a tunnel to the router of the chosen site",
  delivered: "given to an instance behind this router",
  returned: "an instance's answer, on its way to the client from the capability's address",
  "answered-echo": "an echo request, answered in the name of the capability",
  "reject-no-route": "refused: no capability of this tenant has this address (ICMPv6 type 1 code 0)",
  "reject-tenant": "refused: the address belongs to another tenant (answered as if it did not exist)",
  "reject-hop-limit": "refused: its hop limit ends here (ICMPv6 type 3)",
  "reject-empty-group": "refused: nobody can serve the capability now (TCP reset, or ICMPv6 type 1 code 3)",
  "reject-protocol": "refused: the protocol is neither TCP nor UDP (ICMPv6 type 1 code 4)",
  "reject-port": "refused: the capability is served at another protocol or port (TCP reset, or ICMPv6 type 1 code 4)",
  "reject-lost-state": "refused: it belongs to a connection that no instance of this router has (TCP reset)",
  "reject-collision": "refused: every way back is held by another flow of this client port",
  "reject-too-big": "refused: too big for the way; the sender is told what fits (ICMPv6 type 2)",
  "drop-truncated": "dropped: a header or the packet is cut off",
  "drop-fragment": "dropped: fragments are not forwarded",
  "drop-source": "dropped: nobody may send from this source address",
  "drop-unknown-node": "dropped: it came through a tunnel from a router that this one does not know",
  "drop-not-capability": "dropped: it came through a tunnel and is for no capability",
  "drop-unanswerable": "dropped: refused, but nobody may be told",
  "drop-rate-limited": "dropped: refused, and too many were told already",
  "drop-state-full": "dropped: the tables of flows took no entry",
  "drop-no-headroom": "dropped: the frame could not be resized",
};
