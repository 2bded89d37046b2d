/** What a full RIB holds: every capability of every tenant has three sites of 256, in 64 000 combinations of sites and weights. */
export const TENANTS = 1000;
export const SITES = 256;
export const MEMBERS = 3;
const GROUPS = 64_000;
const STEPS = 50;
/** Every weight is one of 1 to this. */
export const WEIGHTS = 1 + Math.floor((GROUPS / SITES - 1) / STEPS);

/** Which capability a number stands for. */
export const tenantOf = (index: number): number => 1 + (index % TENANTS);
export const nameOf = (index: number): number => Math.floor(index / TENANTS);

/** Number of the combination: 256 first sites, each with 250 ways to go on from there. */
function groupOf(index: number): number {
  return (Math.imul(index, 0x9e3779b1) >>> 0) % GROUPS;
}

export function siteOf(index: number, member: number, shift = 0): number {
  const group = groupOf(index);
  return (group + member * (1 + (Math.floor(group / SITES) % STEPS)) + shift) % SITES;
}

export function weightOf(index: number, member: number): number {
  return member === 0 ? 1 + Math.floor(groupOf(index) / SITES / STEPS) : 1;
}
