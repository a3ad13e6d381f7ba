const rfc3339 = /^(\d{4})-(\d\d)-(\d\d)T(\d{1,2}):(\d\d):(\d\d)(?:[.,](\d+))?(Z|[+-]\d\d:\d\d)$/;

/** Year, month, day, hour, minute, second, fraction, zone. */
type Parts = [string, string, string, string, string, string, string, string];

/**
 * A time as Go's `time.Time` writes it into JSON (RFC3339Nano) after reading `text` from it: nanoseconds without
 * trailing zeros, an offset of zero as `Z`. Undefined when Go would refuse the text.
 */
export function goTime(text: string): string | undefined {
  const match = rfc3339.exec(text);
  if (match === null) return undefined;
  const [year, month, day, hour, minute, second, fraction, zone] = match
    .slice(1)
    .map((part) => (part as string | undefined) ?? '') as Parts;
  const inRange = Number(hour) < 24 && Number(minute) < 60 && Number(second) < 60;
  if (!inRange || !isDay(Number(year), Number(month), Number(day)) || !isZone(zone)) return undefined;
  const nanos = fraction.slice(0, 9).replace(/0+$/, '');
  const offset = /^[+-]00:00$/.test(zone) ? 'Z' : zone;
  return `${year}-${month}-${day}T${hour.padStart(2, '0')}:${minute}:${second}${nanos === '' ? '' : `.${nanos}`}${offset}`;
}

/** Go's zero time, which stands for none. */
export const zeroTime = '0001-01-01T00:00:00Z';

function isDay(year: number, month: number, day: number): boolean {
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  const days = [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1];
  return days !== undefined && day >= 1 && day <= days;
}

const isZone = (zone: string): boolean => zone === 'Z' || (Number(zone.slice(1, 3)) < 24 && Number(zone.slice(4)) < 60);
