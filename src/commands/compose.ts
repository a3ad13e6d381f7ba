import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ioError, TransferError } from '../primitives/errors.js';
import { printable } from '../primitives/printable.js';

/**
 * The images that a compose file names (compose-spec, 05-services.md): those of every service, in every profile, with
 * variables from the environment and from `.env` beside the file, and with their defaults. Each once, in order.
 * @throws TransferError NOT_FOUND or IO when the file cannot be read; USAGE when it is no compose file, or a variable
 * without a value or default is in an image name.
 */
export async function composeImages(file: string): Promise<string[]> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw ioError(error, file, 'source');
  });
  const services = servicesOf(await parseYaml(text, file), file);
  const variables = { ...(await dotEnv(join(dirname(file), '.env'))), ...process.env };
  const images = new Set<string>();
  for (const [service, definition] of Object.entries(services)) {
    const image = isRecord(definition) ? definition['image'] : undefined;
    if (typeof image === 'string')
      images.add(interpolate(image, variables, `${file}: service ${printable(service, 60)}`));
  }
  return [...images];
}

async function parseYaml(text: string, file: string): Promise<unknown> {
  // Loaded here: most calls have no compose file.
  const { parse } = await import('yaml');
  try {
    return parse(text, { merge: true, maxAliasCount: 1000 }) as unknown;
  } catch (cause) {
    const reason = printable(cause instanceof Error ? cause.message.split('\n')[0] : String(cause));
    throw new TransferError('USAGE', `${file}: expected YAML, but ${reason}`, {
      hint: 'Check it with: docker compose config',
      cause,
    });
  }
}

function servicesOf(document: unknown, file: string): Record<string, unknown> {
  const services = isRecord(document) ? document['services'] : undefined;
  if (isRecord(services)) return services;
  throw new TransferError('USAGE', `${file}: expected a compose file, found no services in it`, {
    hint: 'Give the file that `docker compose` reads, often compose.yaml.',
  });
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

type Variables = Readonly<Record<string, string | undefined>>;

const placeholder = /\$(?:(\$)|([A-Za-z_]\w*)|\{([A-Za-z_]\w*)(?:(:?)([-?+])((?:[^{}]|\{[^{}]*\})*))?\})/g;

/** `$NAME`, `${NAME}`, `${NAME:-default}`, `${NAME-default}`, `${NAME:+other}`, `$$` (compose-spec, 12-interpolation.md). */
function interpolate(text: string, variables: Variables, where: string): string {
  const expand = (_: string, ...[dollar, bare, braced, colon, operator, word]: (string | undefined)[]): string => {
    if (dollar !== undefined) return '$';
    const name = bare ?? braced ?? '';
    // With a colon, an empty variable counts as none.
    const value = colon === ':' && variables[name] === '' ? undefined : variables[name];
    if (operator === '+') return value === undefined ? '' : interpolate(word ?? '', variables, where);
    if (value !== undefined) return value;
    if (operator === '-') return interpolate(word ?? '', variables, where);
    throw new TransferError('USAGE', `${where}: the variable ${name} in its image name has no value`, {
      hint: `Set it in the environment or in .env beside the file, or write a default: \${${name}:-latest}.`,
    });
  };
  return text.replace(placeholder, expand);
}

async function dotEnv(file: string): Promise<Variables> {
  const text = await readFile(file, 'utf8').catch(() => '');
  const entries = text.split(/\r?\n/).flatMap((line): [string, string][] => {
    const [, name, value] = /^\s*(?:export\s+)?([A-Za-z_]\w*)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
    if (name === undefined || value === undefined) return [];
    const quoted = /^(["'])(.*)\1$/.exec(value)?.[2];
    return [[name, quoted ?? value.replace(/\s+#.*$/, '')]];
  });
  return Object.fromEntries(entries);
}
