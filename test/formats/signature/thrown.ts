import { isTransferError, type TransferError } from '../../../src/primitives/errors.js';

/** The fault that `work` ends with; any other error fails the test. */
export function thrownBy(work: () => unknown): TransferError | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    if (!isTransferError(error)) throw error;
    return error;
  }
}
