/**
 * A time of the allowed_signers file (ssh-keygen(1)): `YYYYMMDD`, `YYYYMMDDHHMM` or `YYYYMMDDHHMMSS`, in this machine's
 * time zone, or with `Z` behind it in UTC. Undefined: it is none.
 */
export function parseTimestamp(text: string): Date | undefined {
  const [, year, month, day, hour = '00', minute = '00', second = '00', zone = ''] =
    /^(\d{4})(\d\d)(\d\d)(?:(\d\d)(\d\d)(\d\d)?)?(z|utc)?$/i.exec(text) ?? [];
  if (year === undefined || hour === '24') return undefined;
  // 31 February is 3 March, as for OpenSSH.
  const time = new Date(`${year}-${month ?? ''}-${day ?? ''}T${hour}:${minute}:${second}${zone === '' ? '' : 'Z'}`);
  return time.getTime() > 0 ? time : undefined;
}
