/**
 * JSON as Go's `encoding/json` handles `json.RawMessage`: values stay the text that they are, so that numbers, the order
 * of keys and escapes survive. All functions take text that is known to be valid JSON.
 */

/** The text of one JSON value, without white space around it. */
export type RawJson = string;

/** The keys and values of an object, in its order; a key can occur twice. Of anything else: undefined. */
export function rawMembers(object: RawJson): readonly (readonly [key: string, value: RawJson])[] | undefined {
  if (!object.startsWith('{')) return undefined;
  const members: [string, RawJson][] = [];
  for (let at = skipSpace(object, 1); object[at] !== '}'; at = nextItem(object, at)) {
    const keyEnd = endOfString(object, at);
    const start = skipSpace(object, object.indexOf(':', keyEnd) + 1);
    const end = endOfValue(object, start);
    members.push([JSON.parse(object.slice(at, keyEnd)) as string, object.slice(start, end)]);
    at = end;
  }
  return members;
}

/** The elements of an array. Of anything else: undefined. */
export function rawElements(array: RawJson): readonly RawJson[] | undefined {
  if (!array.startsWith('[')) return undefined;
  const elements: RawJson[] = [];
  for (let at = skipSpace(array, 1); array[at] !== ']'; at = nextItem(array, at)) {
    const end = endOfValue(array, at);
    elements.push(array.slice(at, end));
    at = end;
  }
  return elements;
}

/** How Go writes a RawMessage into another document: without white space, and with HTML's characters escaped. */
export function compact(raw: RawJson): RawJson {
  const parts: string[] = [];
  for (let at = 0; at < raw.length;) {
    const quote = raw.indexOf('"', at);
    const end = quote === -1 ? raw.length : quote;
    parts.push(raw.slice(at, end).replace(/[ \t\r\n]+/g, ''));
    at = end === raw.length ? end : endOfString(raw, end);
    parts.push(escapeHtml(raw.slice(end, at)));
  }
  return parts.join('');
}

/** How Go 1.19, with which Docker 20.10 is built, writes a string. A lone surrogate is U+FFFD. */
export function goString(text: string): RawJson {
  // JSON.stringify has short forms for \b and \f; Go got them in 1.22.
  const wellFormed = Buffer.from(text, 'utf8').toString('utf8');
  const quoted = JSON.stringify(wellFormed).replace(/\\(?:b|f|.)/g, (escape) => goEscapes[escape] ?? escape);
  return escapeHtml(quoted);
}

const goEscapes: Readonly<Record<string, string>> = { '\\b': '\\u0008', '\\f': '\\u000c' };

/** How Go writes a map: sorted by the bytes of the keys. */
export function goMap(entries: Iterable<readonly [key: string, value: RawJson]>): RawJson {
  const sorted = [...new Map(entries)]
    .map(([key, value]) => ({ key: Buffer.from(key, 'utf8'), text: `${goString(key)}:${value}` }))
    .sort((a, b) => a.key.compare(b.key));
  return `{${sorted.map(({ text }) => text).join(',')}}`;
}

/** How Go compares a key with the name of a struct's field: upper and lower case are the same (`bytes.EqualFold`). */
export function foldKey(key: string): string {
  return key.toLowerCase().replaceAll('\u017f', 's');
}

function escapeHtml(text: string): string {
  return text.replace(/[<>&\u2028\u2029]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** Where the next item of a list begins, or its closing bracket; `at` is the end of the item before. */
function nextItem(text: string, at: number): number {
  const next = skipSpace(text, at);
  return text[next] === ',' ? skipSpace(text, next + 1) : next;
}

function skipSpace(text: string, at: number): number {
  let i = at;
  while (' \t\r\n'.includes(text[i] ?? 'x')) i++;
  return i;
}

function endOfString(text: string, at: number): number {
  let i = at + 1;
  while (i < text.length && text[i] !== '"') i += text[i] === '\\' ? 2 : 1;
  return i + 1;
}

function endOfScalar(text: string, at: number): number {
  const scalar = /[^\s,\]}]*/y;
  scalar.lastIndex = at;
  return at + (scalar.exec(text)?.[0].length ?? 0);
}

function endOfValue(text: string, at: number): number {
  const first = text[at] ?? '';
  if (first === '"') return endOfString(text, at);
  if (!'{['.includes(first)) return endOfScalar(text, at);
  let depth = 0;
  let i = at;
  do {
    const character = text[i] ?? '';
    if ('{['.includes(character)) depth++;
    else if ('}]'.includes(character)) depth--;
    i = character === '"' ? endOfString(text, i) : i + 1;
  } while (depth > 0 && i < text.length);
  return i;
}
