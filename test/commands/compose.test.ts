import { afterEach, describe, expect, test } from '@jest/globals';
import { composeImages } from '../../src/commands/compose.js';
import { faultOf } from '../codecs/helpers.js';
import { put, useTempFolder } from '../helpers/temp-folder.js';

const at = useTempFolder();
const images = (yaml: string, env = ''): Promise<string[]> => {
  if (env !== '') put(at('.env'), env);
  return composeImages(put(at('compose.yaml'), yaml));
};
const service = (image: string): string => `services:\n  web:\n    image: "${image}"\n`;

afterEach(() => {
  delete process.env['FERRY_TEST_TAG'];
});

describe('composeImages', () => {
  test('the images of all services, in every profile, each once, in order', async () => {
    const yaml = `
name: app
services:
  web: { image: team/web:1 }
  built: { build: . }
  debug: { image: busybox, profiles: [debug] }
  worker: { image: team/web:1 }
  empty:
  number: { image: 5 }
  db:
    image: postgres:16@sha256:${'0'.repeat(64)}
volumes: { data: {} }
`;
    expect(await images(yaml)).toEqual(['team/web:1', 'busybox', `postgres:16@sha256:${'0'.repeat(64)}`]);
  });

  test('anchors and merge keys', async () => {
    const yaml = `
x-base: &base
  image: team/base:2
  restart: always
services:
  a: { <<: *base }
  b:
    <<: [*base]
    image: team/b:1
`;
    expect(await images(yaml)).toEqual(['team/base:2', 'team/b:1']);
  });

  test.each([
    ['app:$FERRY_TEST_TAG', 'app:7'],
    ['app:\${FERRY_TEST_TAG}', 'app:7'],
    ['app:\${FERRY_TEST_TAG:-1}', 'app:7'],
    ['app:\${FERRY_NONE:-1}', 'app:1'],
    ['app:\${FERRY_NONE-1}', 'app:1'],
    ['app\${FERRY_EMPTY-:1}', 'app'],
    ['app:\${FERRY_EMPTY:-1}', 'app:1'],
    ['app:\${FERRY_NONE:-\${FERRY_TEST_TAG}}', 'app:7'],
    ['app:\${FERRY_NONE:-\${FERRY_NOT:-3}}', 'app:3'],
    ['\${FERRY_TEST_TAG:+mirror/}app', 'mirror/app'],
    ['\${FERRY_NONE:+mirror/}app', 'app'],
    ['app:\${FERRY_TEST_TAG:?no tag}', 'app:7'],
    ['a$$b', 'a$b'],
    ['app:\${FROM_FILE}', 'app:file'],
    ['app:\${QUOTED}', 'app:q # q'],
    ['app:\${COMMENTED}', 'app:c'],
    ['app:\${EXPORTED}', 'app:e'],
  ])('%s is %s', async (image, expected) => {
    process.env['FERRY_TEST_TAG'] = '7';
    const env =
      'FERRY_TEST_TAG=from-file\nFERRY_EMPTY=\n# no\nFROM_FILE=file\r\nQUOTED="q # q"\nCOMMENTED=c # a comment\nexport EXPORTED=e\nnonsense\n';
    expect(await images(service(image), env)).toEqual([expected]);
  });

  test.each(['app:$FERRY_NONE', 'app:\${FERRY_NONE}', 'app:\${FERRY_NONE:?no tag}', 'app:\${FERRY_EMPTY:?no tag}'])(
    '%s has no value: USAGE, naming file, service and variable',
    async (image) => {
      const fault = await faultOf(images(service(image), 'FERRY_EMPTY=\n'));
      expect(fault).toMatchObject({ code: 'USAGE', hint: expect.stringContaining('.env') });
      expect(fault?.message).toMatch(/compose\.yaml: service web: the variable FERRY_(NONE|EMPTY) /);
    },
  );

  test.each([
    ['no YAML', 'services: [', 'expected YAML, but'],
    ['no services', 'version: "3"\n', 'expected a compose file, found no services'],
    ['services that are a list', 'services: [a]\n', 'found no services'],
    ['a text', 'hello\n', 'found no services'],
    ['nothing', '', 'found no services'],
    ['an alias of nothing', 'services: { a: *none }\n', 'expected YAML, but'],
  ])('%s is USAGE, naming the file', async (_, yaml, words) => {
    const fault = await faultOf(images(yaml));
    expect(fault).toMatchObject({
      code: 'USAGE',
      message: expect.stringMatching(new RegExp(`compose\\.yaml: .*${words}`)),
    });
  });

  test('aliases that multiply are refused', async () => {
    const levels = Array.from(
      { length: 12 },
      (_, i) =>
        `x${String(i + 1)}: &x${String(i + 1)} [${Array(9)
          .fill(`*x${String(i)}`)
          .join(', ')}]`,
    );
    expect(await faultOf(images(`x0: &x0 [a]\n${levels.join('\n')}\nservices: {}\n`))).toMatchObject({ code: 'USAGE' });
  });

  test('a file that is not there is NOT_FOUND', async () => {
    expect(await faultOf(composeImages(at('none.yaml')))).toMatchObject({
      code: 'NOT_FOUND',
      message: expect.stringContaining('none.yaml'),
    });
  });
});
