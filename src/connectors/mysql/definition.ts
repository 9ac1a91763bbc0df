import { z } from 'zod';
import { foreignName } from '../../contracts/request';
import { defineBookConnector } from '../lease-book/define';
import { setUpSql } from './set-up';

/** MariaDB allows 128 characters for the name of a role, and as many for a user's. */
const roleName = foreignName.refine((name) => [...name].length <= 128, {
  error: 'has more than 128 characters, the most that a name in MariaDB has',
});

const isMysql = ({ protocol }: URL): boolean => /^(?:mysql|mariadb):$/.test(protocol);

export const mysql = defineBookConnector({
  kind: 'mysql',
  title: 'a role of a MariaDB server',
  settings: z.strictObject({
    /** `mysql://LOGIN:PASSWORD@HOST:PORT` */
    url: z.string().refine((text) => URL.canParse(text) && isMysql(new URL(text)), {
      error: 'must be mysql://LOGIN:PASSWORD@HOST:PORT',
    }),
    /** File with the certificates of the authorities that the server's certificate is checked by. Without it, no TLS. */
    caFile: z.string().min(1).exactOptional(),
  }),
  grant: z.strictObject({ role: roleName }),
  // MariaDB has an end date for passwords, none for roles. The connector ends the sessions.
  endsByItself: { access: false, sessions: false },
  controls: [
    {
      name: 'statement-logging',
      title: 'Audit log of the server (server_audit)',
      safeWay: 'Ask the database administrators to leave out the one event that is too much; the log stays.',
    },
    {
      name: 'encrypted-connections',
      title: 'Connections over TLS alone (require_secure_transport)',
      safeWay: 'Give the client the certificate of the authority; the administrators have it.',
    },
  ],
  leavesBehind: ['what the role lets its holder make (tables, routines, grants): not looked at'],
  target: async (settings) => new (await import('./target.js')).MysqlRoles(settings),
  check: async (settings, expected) => (await import('./check.js')).checkServer(settings, expected),
  setUp: setUpSql,
  environment: {
    example: 'mysql://host:3306/database',
    accepts: isMysql,
    replaces: ['MYSQL_HOST', 'MYSQL_TCP_PORT', 'MYSQL_PWD', 'MYSQL_USER', 'MYSQL_DATABASE'],
    variables: (address, account) => {
      const password = decodeURIComponent(address.password);
      const database = decodeURIComponent(address.pathname.slice(1));
      return {
        MYSQL_HOST: address.hostname.replace(/^\[|\]$/g, ''),
        MYSQL_TCP_PORT: address.port || '3306',
        MYSQL_USER: account.replace(/@[^@]*$/, ''),
        ...(database && { MYSQL_DATABASE: database }),
        ...(password && { MYSQL_PWD: password }),
      };
    },
  },
});
