import { type Descriptor } from '../model/descriptor.js';
import { type ImageSource } from '../ports.js';
import { type ByteStream } from '../primitives/bytes.js';
import { TransferError } from '../primitives/errors.js';
import { mergeReliance } from './reliance.js';

/** Several sources as one: what any of them holds is there. A blob comes from the first that has it. */
export function unionSource(sources: readonly ImageSource[]): ImageSource {
  const [only] = sources;
  if (sources.length === 1 && only !== undefined) return only;
  const label = sources.map((source) => source.label).join(', ');
  return {
    label,
    images: async () => (await Promise.all(sources.map((source) => source.images()))).flat(),
    has: (digest) => sources.some((source) => source.has(digest)),
    open: (blob) => openFirst(sources, blob, label),
    audit: async function* (reached) {
      for (const source of sources) yield* source.audit(reached);
    },
    facts: async () => {
      const facts = await Promise.all(sources.map(async (source) => await source.facts?.()));
      return { lists: undefined, isBundle: false, reliance: mergeReliance(facts.map((each) => each?.reliance)) };
    },
    close: async () => {
      await Promise.all(sources.map((source) => source.close()));
    },
  };
}

function openFirst(
  sources: readonly ImageSource[],
  blob: Pick<Descriptor, 'digest' | 'size'>,
  label: string,
): ByteStream {
  const source = sources.find((candidate) => candidate.has(blob.digest));
  if (source !== undefined) return source.open(blob);
  throw new TransferError('BLOB_MISSING', `${label}: ${blob.digest} is not there`, {
    side: 'source',
    hint: 'The archive is incomplete: copy it again, or save the image again.',
  });
}
