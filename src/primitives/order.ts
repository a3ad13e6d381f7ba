/** By UTF-16 code unit, as every language sorts: a locale would make the order depend on the machine. */
export const byCodeUnit = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
