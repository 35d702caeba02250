// Loaded into a process of a test by `NODE_OPTIONS=--require`: writes whom it dials to the file SPY_CONNECT, a line each.
const net = require('node:net');
const { appendFileSync } = require('node:fs');

const { connect } = net.Socket.prototype;
net.Socket.prototype.connect = function (...args) {
  const [options] = Array.isArray(args[0]) ? args[0] : args;
  if (options && typeof options === 'object' && options.port !== undefined) appendFileSync(process.env.SPY_CONNECT, `${options.host ?? ''} ${options.port}\n`);
  return connect.apply(this, args);
};
