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

/** `45 s`, `2 min 05 s`, `3 h 12 min`. */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const two = (n: number): string => String(n).padStart(2, '0');
  if (whole < 60) return `${String(whole)} s`;
  if (whole < 3600) return `${String(Math.floor(whole / 60))} min ${two(whole % 60)} s`;
  return `${String(Math.floor(whole / 3600))} h ${two(Math.floor((whole % 3600) / 60))} min`;
}

/** `part` of `whole` as `41.7 %`. */
export function formatShare(part: number, whole: number): string {
  return `${(whole === 0 ? 0 : (part / whole) * 100).toFixed(1)} %`;
}
