// npm test: every test that needs no engine. With --engines: those that do. Further words go to jest.
import { ensureBuilt, runTool } from './prepare.mjs';

const words = process.argv.slice(2);
const engines = words.includes('--engines');
ensureBuilt();
runTool(
  'jest',
  [
    '--selectProjects',
    engines ? 'engines' : 'unit',
    // Engines are shared by all their tests.
    ...(engines ? ['--runInBand', '--testTimeout=600000'] : []),
    ...words.filter((word) => word !== '--engines'),
  ],
  {
    env: {
      NODE_OPTIONS:
        `${process.env.NODE_OPTIONS ?? ''} --experimental-vm-modules --disable-warning=ExperimentalWarning`.trim(),
    },
  },
);
