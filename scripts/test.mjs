// npm test: every test that needs no engine. With --engines: those that do. Further words go to jest.
import { ensureBuilt, runTool } from './prepare.mjs';

const words = process.argv.slice(2);
const engines = words.includes('--engines');
ensureBuilt();
runTool(
  'jest',
  [
    // Before the project: jest takes every word after --selectProjects for the name of one.
    ...words.filter((word) => word !== '--engines'),
    // Engines are shared by all their tests.
    ...(engines ? ['--runInBand'] : []),
    '--selectProjects',
    engines ? 'engines' : 'unit',
  ],
  {
    env: {
      NODE_OPTIONS:
        `${process.env.NODE_OPTIONS ?? ''} --experimental-vm-modules --disable-warning=ExperimentalWarning`.trim(),
    },
  },
);
