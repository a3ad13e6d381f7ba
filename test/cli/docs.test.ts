import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { exitTable } from '../../src/cli/exit-codes.js';
import { commandTable, sourceForms } from '../../src/cli/parser/commands.js';
import { groups, optionLabel } from '../../src/cli/parser/table.js';

interface Generator {
  cliReference(tables: unknown): string;
}

const generator = (await import(new URL('../../scripts/docs-cli.mjs', import.meta.url).href)) as Generator;
const text = generator.cliReference({ commandTable, sourceForms, groups, optionLabel, exitTable });

test('docs/cli.md is what the parser says (npm run docs writes it)', () => {
  expect(readFileSync(new URL('../../docs/cli.md', import.meta.url), 'utf8')).toBe(text);
});

test('it has every command, option, exit status and document', () => {
  for (const { name, options } of commandTable) {
    expect(text).toContain(`## ferry ${name}\n`);
    for (const option of options) expect(text).toContain(`| \`${optionLabel(option)}\` |`);
  }
  for (const { status, codes } of exitTable()) {
    expect(text).toContain(`| ${status} |`);
    for (const code of codes) expect(text).toContain(`\`${code}\``);
  }
  for (const verb of ['Pack', 'Load', 'Send', 'List', 'Inspect', 'Verify', 'Diff', 'Inventory']) {
    expect(text).toContain(`interface ${verb}Result {`);
  }
});

test('every type that a document refers to is described in it', () => {
  const types = text.slice(text.indexOf('## JSON'));
  const declared = new Set([...types.matchAll(/^(?:interface|type) (\w+)/gm)].map((match) => match[1]));
  const code = types.replace(/\/\*[\s\S]*?\*\//g, '');
  const used = [...code.matchAll(/(?::|extends|Omit<|&)\s+?(?:\{ )?([A-Z]\w+)|Omit<([A-Z]\w+)/g)].map(
    (m) => m[1] ?? m[2],
  );
  const known = new Set(['Digest', 'ErrorCode', 'Json', 'Omit', 'Field', 'Fields', 'A', 'An', 'With']);
  expect(used.length).toBeGreaterThan(10);
  expect(used.filter((name) => name !== undefined && !declared.has(name) && !known.has(name))).toStrictEqual([]);
});
