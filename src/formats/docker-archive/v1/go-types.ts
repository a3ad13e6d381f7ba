import { badArchive } from '../member-name.js';
import { printable } from '../../../primitives/printable.js';
import { goTime, zeroTime } from './go-time.js';
import { foldKey, goMap, goString, rawElements, type RawJson, rawMembers } from './raw-json.js';

/** A value of a Go type, as Go writes it into JSON. */
export interface GoValue {
  readonly json: RawJson;
  /** What `omitempty` leaves out. */
  readonly empty: boolean;
}

/**
 * A Go type that JSON is read into and written from again, as `json.Unmarshal` and `json.Marshal` do. `read` gets
 * anything but null, which leaves every type at its zero value.
 */
export interface GoType {
  readonly zero: GoValue;
  /** @throws TransferError BAD_ARCHIVE when Go would refuse the value; `where` says what it is. */
  read(raw: RawJson, where: string): GoValue;
}

export const goText: GoType = {
  zero: { json: '""', empty: true },
  read: (raw, where) => {
    const text = textOf(raw, where);
    return { json: goString(text), empty: text === '' };
  },
};

export const goBool: GoType = {
  zero: { json: 'false', empty: true },
  read: (raw, where) => {
    if (raw !== 'true' && raw !== 'false') throw unfit(where, 'true or false', raw);
    return { json: raw, empty: raw === 'false' };
  },
};

/** int, int64 and time.Duration: a JSON number with a fraction or an exponent does not fit. */
export const goInt: GoType = {
  zero: { json: '0', empty: true },
  read: (raw, where) => {
    if (!/^-?\d{1,19}$/.test(raw) || BigInt.asIntN(64, BigInt(raw)) !== BigInt(raw))
      throw unfit(where, 'a whole number', raw);
    return { json: BigInt(raw).toString(), empty: BigInt(raw) === 0n };
  },
};

export const goInstant: GoType = {
  zero: { json: `"${zeroTime}"`, empty: false },
  read: (raw, where) => {
    const time = goTime(textOf(raw, where));
    if (time === undefined) throw unfit(where, 'a time like 2015-10-31T22:22:56.015925234Z', raw);
    return { json: `"${time}"`, empty: false };
  },
};

/** []string */
export const goTexts: GoType = {
  zero: { json: 'null', empty: true },
  read: (raw, where) => {
    const elements = rawElements(raw);
    if (elements === undefined) throw unfit(where, 'a list of texts', raw);
    return listOf(elements.map((element) => valueOf(goText, element, where).json));
  },
};

/** Docker's strslice.StrSlice: a text alone stands for a list of one. */
export const goCommand: GoType = {
  zero: goTexts.zero,
  read: (raw, where) => (raw.startsWith('"') ? listOf([goText.read(raw, where).json]) : goTexts.read(raw, where)),
};

/** A map with texts for keys; map[string]struct{} is `mapOf(structOf([]))`. */
export const mapOf = (type: GoType): GoType => ({
  zero: { json: 'null', empty: true },
  read: (raw, where) => {
    const members = rawMembers(raw);
    if (members === undefined) throw unfit(where, 'an object', raw);
    const entries = members.map(([key, value]) => [wellFormed(key), valueOf(type, value, where).json] as const);
    return { json: goMap(entries), empty: entries.length === 0 };
  },
});

export const pointerTo = (type: GoType): GoType => ({
  zero: { json: 'null', empty: true },
  read: (raw, where) => ({ ...type.read(raw, where), empty: false }),
});

export interface GoField {
  readonly name: string;
  readonly type: GoType;
  readonly omitEmpty?: boolean;
}

export const structOf = (fields: readonly GoField[]): GoType => ({
  zero: { json: objectOf(writtenFields(fields, () => undefined, '')), empty: false },
  read: (raw, where) => ({ json: objectOf(readStruct(fields, raw, where)), empty: false }),
});

/** The fields that Go writes of a struct after reading `raw` into it, in the struct's order. */
export function readStruct(
  fields: readonly GoField[],
  raw: RawJson,
  where: string,
): readonly (readonly [string, RawJson])[] {
  const members = rawMembers(raw);
  if (members === undefined) throw unfit(where, 'an object', raw);
  const byKey = new Map(members.map(([key, value]) => [foldKey(key), value]));
  return writtenFields(fields, (name) => byKey.get(foldKey(name)), where);
}

function writtenFields(
  fields: readonly GoField[],
  find: (name: string) => RawJson | undefined,
  where: string,
): [string, RawJson][] {
  return fields.flatMap(({ name, type, omitEmpty }): [string, RawJson][] => {
    const value = valueOf(type, find(name), `${where}: ${name}`);
    return omitEmpty === true && value.empty ? [] : [[name, value.json]];
  });
}

const valueOf = (type: GoType, raw: RawJson | undefined, where: string): GoValue =>
  raw === undefined || raw === 'null' ? type.zero : type.read(raw, where);

const listOf = (elements: readonly RawJson[]): GoValue => ({
  json: `[${elements.join(',')}]`,
  empty: elements.length === 0,
});

const objectOf = (fields: readonly (readonly [string, RawJson])[]): RawJson =>
  `{${fields.map(([name, json]) => `${goString(name)}:${json}`).join(',')}}`;

const wellFormed = (text: string): string => Buffer.from(text, 'utf8').toString('utf8');

function textOf(raw: RawJson, where: string): string {
  if (!raw.startsWith('"')) throw unfit(where, 'a text', raw);
  return JSON.parse(raw) as string;
}

const unfit = (where: string, expected: string, raw: RawJson): Error =>
  badArchive(`${where}: expected ${expected}, found ${printable(raw, 80)}`);
