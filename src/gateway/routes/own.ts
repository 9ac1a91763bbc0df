import { submissionSchema } from '../../contracts/request';
import type { Gateway } from '../gateway';
import { readBody } from '../http/body';
import type { Add } from './adder';

/** Routes of this part. */
export function addOwnRequests(add: Add, { own }: Gateway): void {
  add('get', '/v1/requestable', { limit: 'reading', summary: 'What the caller can ask for' }, async (c) =>
    c.json(await own.requestable(c.get('caller'))),
  );
  add(
    'post',
    '/v1/requests',
    {
      limit: 'submission',
      summary: 'Carry a request that the caller has signed itself',
      body: submissionSchema,
      status: [202],
    },
    async (c) => c.json(await own.carry(c.get('caller'), await readBody(c, submissionSchema)), 202),
  );
}
