import { type Context } from '../../src/commands/options.js';
import { type TransferEvent } from '../../src/ports.js';

/** What commands are given, with what they told. */
export function testContext(signal: AbortSignal = new AbortController().signal): Context & {
  readonly events: TransferEvent[];
  readonly notes: () => string[];
} {
  const events: TransferEvent[] = [];
  return {
    events,
    notes: () => events.flatMap((event) => (event.type === 'note' ? [event.message] : [])),
    emit: (event) => events.push(event),
    signal,
  };
}
