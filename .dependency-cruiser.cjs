// Who may import whom: docs/ARCHITECTURE.md.
const only = (name, from, to, comment) => ({
  name,
  severity: 'error',
  comment,
  from: { path: from },
  to: { path: '^src/', pathNot: to },
});
const home = (pkg, path) => ({
  name: `${pkg}-has-one-home`,
  severity: 'error',
  comment: `${pkg} is imported in ${path} only`,
  from: { path: '^src/', pathNot: path },
  to: { path: `^node_modules/(@types/)?${pkg}/` },
});
const low = '^src/(primitives|model)/|^src/ports\\.ts$';

module.exports = {
  forbidden: [
    { name: 'no-circles', severity: 'error', from: {}, to: { circular: true, dependencyTypesNot: ['type-only'] } },
    only('primitives-stand-alone', '^src/primitives/', '^src/primitives/', 'primitives know nothing of images'),
    only('model-is-pure', '^src/model/', '^src/(model|primitives)/', 'the model does no I/O'),
    only('engine-sees-ports-only', '^src/engine/', `^src/engine/|${low}`, 'no format, no socket in the engine'),
    only('codecs-are-low', '^src/codecs/', '^src/(codecs|primitives)/', 'codecs know bytes, not images'),
    only('tar-is-low', '^src/tar/', '^src/(tar|primitives)/', 'tar knows bytes, not images'),
    only('formats', '^src/formats/', `^src/(formats|tar|codecs)/|${low}`, 'formats adapt bytes to ports'),
    only(
      'transports',
      '^src/transports/',
      `^src/(transports|formats|tar|codecs)/|${low}`,
      'transports adapt engines to ports',
    ),
    only('commands-do-not-print', '^src/commands/', '^src/(?!cli/)', 'the cli sits on top'),
    { name: 'model-does-no-io', severity: 'error', from: { path: '^src/model/' }, to: { dependencyTypes: ['core'] } },
    home('yargs', '^src/cli/parser/'),
    home('cli-progress', '^src/cli/progress\\.ts$'),
    home('tar-stream', '^src/tar/'),
    home('zstd-codec', '^src/codecs/zstd-wasm'),
    home('ssh2', '^src/transports/ssh/'),
    home('ssh-config', '^src/transports/ssh/config\\.ts$'),
    home('yaml', '^src/commands/compose\\.ts$'),
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
  },
};
