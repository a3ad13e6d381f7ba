// Writes docs/cli.md from the parser's tables, the exit table and the result types. `--check`: says whether it is stale.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = new URL('../', import.meta.url);
const target = new URL('docs/cli.md', root);

/** Which document `--json` prints, by command. */
const documents = {
  pack: 'PackResult',
  load: 'LoadResult',
  send: 'SendResult',
  list: 'ListResult',
  inspect: 'InspectResult',
  verify: 'VerifyResult',
  diff: 'DiffResult',
  inventory: 'InventoryResult',
  prune: 'PruneResult',
};

/** Where the types of these documents are declared, in the order in which they are shown. */
const declarations = {
  'src/commands/results.ts': undefined,
  'src/model/inventory.ts': ['StoreKind', 'InventoryPlace', 'ArchivePlace', 'EnginePlace'],
  'src/model/plan.ts': ['PlanTotals', 'LayerTwins'],
  'src/model/receipt.ts': ['ReceiptState', 'ReceiptItem', 'Receipt'],
  'src/model/reliance.ts': ['Reliance', 'Base', 'ReliedLayer'],
};

/** @param tables the exports of src/cli/parser/{commands,table}.ts and src/cli/exit-codes.ts */
export function cliReference(tables) {
  const { commandTable } = tables;
  return [
    '# Command line',
    '',
    '<!-- Written by `npm run docs` from the parser; do not edit. -->',
    '',
    '`docker ferry ...` is the same as `ferry ...` once `docker-ferry` is linked into `~/.docker/cli-plugins`; the engine is then Docker, and docker’s own `--context`, `--host` and `--config` are honoured.',
    '',
    '| command | |',
    '|---|---|',
    ...commandTable.map(({ name, summary }) => `| [\`ferry ${name}\`](#ferry-${name}) | ${cell(summary)} |`),
    '',
    'A SOURCE is',
    '',
    ...tables.sourceForms.map(([form, text]) => `- ${form.split(', ').map(code).join(' or ')}: ${text}`),
    '',
    'A path that exists wins over an image of the same name. Words after `--` are never options. `ferry --version` prints the version.',
    '',
    ...commandTable.flatMap((command) => commandSection(command, tables)),
    ...streams,
    ...exitSection(tables.exitTable()),
    ...jsonSection(),
  ].join('\n');
}

function commandSection({ name, usage, summary, about, options, examples }, { groups, optionLabel }) {
  const rows = groups.flatMap((group) => options.filter((option) => option.group === group));
  const choices = (option) => (option.choices ? ` One of ${option.choices.map(code).join(', ')}.` : '');
  return [
    `## ferry ${name}`,
    '',
    `${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`,
    '',
    '```sh',
    `ferry ${name} ${usage}`,
    '```',
    '',
    ...about.flatMap((text) => [text, '']),
    '| option | |',
    '|---|---|',
    ...rows.map((option) => `| ${code(optionLabel(option))} | ${cell(option.text + choices(option))} |`),
    '',
    '```sh',
    ...examples.flatMap(({ line, text }) => [`# ${text}`, line.replaceAll('$0', 'ferry')]),
    '```',
    '',
  ];
}

const streams = [
  '## What goes where',
  '',
  'Standard output carries the result and nothing else; with `-o -` the result is the bundle, and the summary goes to standard error. Progress, notes and errors go to standard error.',
  '',
  '- On a terminal, tables fit its width (80 columns at most when it is that wide) and long names are cut in the middle. In a pipe nothing is cut: one image stays one line.',
  '- Colour appears on a terminal only; `NO_COLOR` and `TERM=dumb` switch it off.',
  '- `--progress json` writes JSON lines: `{"type":"start","what","bytes"}`, `{"type":"image","name"}`, `{"type":"note","message"}`, `{"type":"progress","bytes","total","bytesPerSecond"}` (at most once a second, and at the end) and `{"type":"end"}`. `bytes` of `start` and `total` are missing when they are not known beforehand. `send` adds `{"type":"host","host","state","bytes","present","message"}` at each change of a host (`waiting`, `connecting`, `asking`, `ready`, `sending`, `proving`, `naming`, `retrying`, `done`, `failed`; `bytes` will move, `present` are there already), and `host` to what is about one host.',
  '- `send` shows a line for each host on a terminal. Questions (a passphrase, a password, an unknown host key) are asked on the terminal itself, even if standard input and output are pipes; without a terminal nothing is asked.',
  '- `--quiet` leaves out progress, notes and the summary of `pack`, `load`, `send` and `verify`. What was asked for (`list`, `inspect`, `diff`, `--dry-run`, `--json`), images that are not proven, faults, errors and questions are still shown.',
  '- The first Ctrl-C (or SIGTERM, SIGHUP) cleans up and ends; the second ends at once.',
  '- `FERRY_DEBUG=1` adds the stack to an error.',
  '',
];

function exitSection(rows) {
  return [
    '## Exit status',
    '',
    '| status | meaning | codes |',
    '|---|---|---|',
    ...rows.map(({ status, meaning, codes }) => `| ${status} | ${cell(meaning)} | ${codes.map(code).join(' ')} |`),
    '',
    '`send` ends with 0 only if every host has every image, proven; else with the lowest status of the hosts that failed, or 4. `list`, `inspect` and `verify` show everything that they can read and then end with the status of the faults that they found: 3 if any of them is damage. A reader that goes away (`ferry list x | head`) is no error; while a bundle is written to standard output it ends ferry quietly with 141.',
    '',
  ];
}

function jsonSection() {
  return [
    '## JSON',
    '',
    'With `--json` a command prints one document on standard output when it ends. Fields may be added in later versions; none is renamed or removed within a major version. A digest is `sha256:` and 64 hex digits; sizes are bytes.',
    '',
    '| command | document |',
    '|---|---|',
    ...Object.entries(documents).map(([name, type]) => `| ${code(name)} | ${code(type)} |`),
    '',
    'An error is one document too:',
    '',
    '```ts',
    '{ error: { code: ErrorCode; message: string; hint?: string; side?: "source" | "sink"; exitStatus: number } }',
    '```',
    '',
    'An interrupted command prints no document; but `send` does, if a host was done or has got something. `ErrorCode` is a code of the table above; the other types, in TypeScript:',
    '',
    '```ts',
    ...Object.entries(declarations).flatMap(([file, names]) => declared(file, names)),
    '```',
    '',
  ];
}

/** The exported types of a file, as they are written there, comments included. */
function declared(file, names) {
  const source = readFileSync(new URL(file, root), 'utf8');
  const blocks =
    source.match(/(?:^\/\*\*(?:(?!\*\/)[\s\S])*?\*\/\n)?^export (?:interface [\s\S]*?^}|type [^;]*;)/gm) ?? [];
  const wanted = blocks.filter((block) => {
    const name = /export (?:interface|type) (\w+)/.exec(block)?.[1];
    return names === undefined || names.includes(name);
  });
  return wanted.map((block) => `${block.replace(/^export /m, '').replaceAll('readonly ', '')}\n`);
}

const code = (text) => `\`${text}\``;
const cell = (text) => text.replaceAll('|', '\\|').replaceAll('*', '\\*');

async function main() {
  const [commands, table, exits] = await Promise.all(
    ['parser/commands.js', 'parser/table.js', 'exit-codes.js'].map((name) => import(new URL(`dist/cli/${name}`, root))),
  );
  const text = cliReference({ ...commands, ...table, ...exits });
  if (!process.argv.includes('--check')) {
    writeFileSync(target, text);
  } else if (readFileSync(target, 'utf8') !== text) {
    console.error('docs/cli.md is stale; run: npm run docs');
    process.exitCode = 1;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
