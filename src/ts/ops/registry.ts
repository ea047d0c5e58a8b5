import { UnclipError } from '../util/errors.js';
import type { OpRecord } from './types.js';

const records = new Map<string, OpRecord>();

/** All op records, in the order of the op table. */
export const OPS: readonly OpRecord[] = [];

for (const record of OPS) records.set(record.name, record);

/** The record of an op; throws UnclipError GRAPH_INVALID for a name nobody registered. */
export function findOp(name: string): OpRecord {
  const record = records.get(name);
  if (record === undefined) throw new UnclipError('GRAPH_INVALID', `there is no op '${name}'`);
  return record;
}
