// Preloaded into a process that must not use a network: every connection, look-up and server throws.
const refuse = (what) => () => {
  throw new Error(`the network is off: ${what}`);
};
const net = require('node:net');
const dns = require('node:dns');
const dgram = require('node:dgram');
net.Socket.prototype.connect = refuse('connect');
net.connect = net.createConnection = refuse('connect');
net.Server.prototype.listen = refuse('listen');
dns.lookup = dns.resolve = dns.promises.lookup = refuse('look-up');
dgram.createSocket = refuse('datagram');
globalThis.fetch = refuse('fetch');
