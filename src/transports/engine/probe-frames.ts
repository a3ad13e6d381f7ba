import { type ClientKind } from './probe-words.js';

/** What a client said to one question. */
export interface Said {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A client that was there and was asked. */
export interface Attempt {
  readonly kind: ClientKind;
  readonly command: readonly string[];
  readonly version: Said | undefined;
  /** Undefined: not asked, since the first question failed. */
  readonly info: Said | undefined;
  /** Of all images; undefined: not asked, or it could not be told. */
  readonly inspected: Said | undefined;
}

export interface Space {
  /** An absolute path that may be written. */
  readonly folder: string;
  /** Bytes. */
  readonly free: number;
  /** Where its file system is mounted. */
  readonly mount: string;
  /** In memory: what is put there takes memory from others. */
  readonly isMemory: boolean;
}

/** What the script of probe-script.ts told, as far as it got. */
export interface ProbeAnswer {
  /** The script ran at all. */
  readonly began: boolean;
  /** It ran to its end. */
  readonly ended: boolean;
  /** Of `zstd` and `gzip`, those that are there. */
  readonly tools: ReadonlySet<string>;
  /** One for each file system. */
  readonly spaces: readonly Space[];
  readonly attempts: readonly Attempt[];
  /** The program that was asked for is not there. */
  readonly isAbsent: boolean;
  /** `ctr`, which was left alone because it is Docker's. */
  readonly skipped: boolean;
}

interface Section {
  readonly words: readonly string[];
  readonly body: string;
}

/** Reads what the script printed. Text before its first frame (a greeting, the echo of a `.bashrc`) is none of it. */
export function probeAnswer(text: string, nonce: string): ProbeAnswer {
  const sections = sectionsOf(text, nonce);
  const named = (name: string): readonly Section[] => sections.filter(({ words }) => words[0] === name);
  const spaces = named('space').flatMap(spaceIn);
  const facts = named('machine').flatMap(({ body }) => body.split('\n'));
  return {
    began: sections.length > 0,
    ended: named('end').length > 0,
    tools: new Set(facts),
    spaces: spaces.filter(({ mount }, at) => spaces.findIndex((other) => other.mount === mount) === at),
    attempts: attemptsIn(sections),
    isAbsent: named('absent').length > 0,
    skipped: named('skipped').length > 0,
  };
}

function sectionsOf(text: string, nonce: string): readonly Section[] {
  return text
    .split(`\n${nonce} `)
    .slice(1)
    .map((part) => {
      const end = part.indexOf('\n');
      const head = end < 0 ? part : part.slice(0, end);
      return { words: head.split(' '), body: end < 0 ? '' : part.slice(end + 1) };
    });
}

/** `df -Pk`: a heading and one line. The path stands before it; one with a line break in it is left out. */
function spaceIn({ body }: Section): readonly Space[] {
  const [folder = '', , line = '', ...more] = body.split('\n').filter((text) => text !== '');
  const [, device, kibibytes, mount] = /^(.*?) +\d+ +-?\d+ +(\d+) +\S+ +(\/.*)$/.exec(line) ?? [];
  if (!folder.startsWith('/') || mount === undefined || more.length > 0) return [];
  return [{ folder, mount, free: Number(kibibytes) * 1024, isMemory: device === 'tmpfs' || device === 'ramfs' }];
}

function attemptsIn(sections: readonly Section[]): readonly Attempt[] {
  const starts = sections.flatMap(({ words }, at) => (words[0] === 'try' ? [at] : []));
  return starts.map((start, which) => {
    const own = sections.slice(start, starts[which + 1]);
    return {
      kind: own[0]?.words[1] as ClientKind, // the script's own word
      command: own[0]?.body.split('\n').filter((word) => word !== '') ?? [],
      version: answerTo('version', own),
      info: answerTo('info', own),
      inspected: inspectedIn(own),
    };
  });
}

/** Standard error stands under the question, standard output under the exit status that follows it. */
function answerTo(question: string, sections: readonly Section[]): Said | undefined {
  const at = sections.findIndex(({ words }) => words[0] === question);
  const out = sections[at + 1];
  if (at < 0 || out?.words[0] !== 'out') return undefined;
  return { status: Number(out.words[1]), stdout: out.body, stderr: sections[at]?.body ?? '' };
}

/** Here it is the other way round: what is much is not held in a shell's memory. */
function inspectedIn(sections: readonly Section[]): Said | undefined {
  const images = sections.find(({ words }) => words[0] === 'images');
  const end = sections.find(({ words }) => words[0] === 'inspected');
  if (images === undefined || end === undefined) return undefined;
  return { status: Number(end.words[1]), stdout: images.body, stderr: end.body };
}
