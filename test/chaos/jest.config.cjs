/** The long tier: files named `*.chaos.ts`, one after another, since each is meant to have the machine for itself. */
const { join } = require('node:path');
const { jest } = require('../../package.json');

module.exports = { ...jest, rootDir: join(__dirname, '..', '..'), testMatch: ['**/*.chaos.ts'], maxWorkers: 1, testTimeout: 900_000 };
