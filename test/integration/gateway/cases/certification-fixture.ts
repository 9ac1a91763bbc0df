/* Who and what the certification scenario speaks of. */

export const alice = { type: 'user', id: 'alice' };
export const bob = { type: 'user', id: 'bob' };
export const record1 = { type: 'record', id: 'record-1' };
export const record2 = { type: 'record', id: 'record-2' };
export const archived = { ...record2, properties: { status: 'archived' } };
export const admin = { ...bob, properties: { role: 'admin' } };
export const read = { name: 'read' };
export const write = { name: 'write' };
export const context = { time: '2025-06-27T18:03-07:00', ip: '192.168.1.1' };
