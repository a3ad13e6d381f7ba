// npm run check: everything that a change must pass, in the order of what fails fastest.
import { ensureInstalled, run, runTool } from './prepare.mjs';

const steps = [
  ['format', () => runTool('prettier', ['--check', '--log-level=warn', '.'])],
  ['types', () => ['.', 'test'].forEach((project) => runTool('typescript', ['--noEmit', '-p', project]))],
  ['lint', () => runTool('eslint', ['--max-warnings=0', 'src', 'test'])],
  [
    'boundaries',
    () => runTool('dependency-cruiser', ['--config', '.dependency-cruiser.cjs', '--output-type', 'err', 'src']),
  ],
  ['dead code', () => runTool('knip', ['--no-progress'])],
  ['tests', () => run('npm', ['test', '--', ...process.argv.slice(2)])],
];

ensureInstalled();
for (const [name, step] of steps) {
  console.error(`── ${name}`);
  step();
}
