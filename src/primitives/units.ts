const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'] as const;

/** SI units with one decimal, as `docker images` counts: `999 B`, `1.0 kB`, `312.4 MB`. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  // 999.95 would be rounded to "1000.0".
  while (unit < units.length - 1 && value >= (unit === 0 ? 1000 : 999.95)) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? String(Math.round(value)) : value.toFixed(1)} ${units[unit] ?? ''}`;
}
