import type { ObservedPeer, PeerObserver, SpeakerObserver } from "../bgp/speaker/index.ts";

/** Several observers as one; `undefined` where there are none, so that nothing is paid for them. */
export function joinObservers(observers: readonly SpeakerObserver[]): SpeakerObserver | undefined {
  const [only] = observers;
  if (observers.length < 2) return only;
  return (peer: ObservedPeer) => {
    const all = observers.map((observer) => observer(peer)).filter((observer) => observer !== undefined);
    const [first] = all;
    return all.length < 2 ? first : joined(all);
  };
}

function joined(all: readonly PeerObserver[]): PeerObserver {
  const watching = all.filter(({ sent }) => sent !== undefined);
  const sent: PeerObserver["sent"] = (...heard) => {
    for (const observer of watching) observer.sent!(...heard);
  };
  return {
    ...(watching.length === 0 ? {} : { sent }),
    received: (...heard) => {
      for (const observer of all) observer.received(...heard);
    },
    stateChanged: (...heard) => {
      for (const observer of all) observer.stateChanged(...heard);
    },
    established: (...heard) => {
      for (const observer of all) observer.established(...heard);
    },
    ended: (...heard) => {
      for (const observer of all) observer.ended(...heard);
    },
    announced: (...heard) => {
      for (const observer of all) observer.announced(...heard);
    },
    withdrawn: (...heard) => {
      for (const observer of all) observer.withdrawn(...heard);
    },
    refused: (...heard) => {
      for (const observer of all) observer.refused?.(...heard);
    },
    repeated: (...heard) => {
      for (const observer of all) observer.repeated?.(...heard);
    },
    treatedAsWithdraw: (...heard) => {
      for (const observer of all) observer.treatedAsWithdraw?.(...heard);
    },
    swept: (...heard) => {
      for (const observer of all) observer.swept(...heard);
    },
    gone: () => {
      for (const observer of all) observer.gone();
    },
  };
}
