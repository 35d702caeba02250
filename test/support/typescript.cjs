// Loaded into a process of a test by `node --require`: has it run the sources as they are, without a build.
const { readFileSync } = require('node:fs');
const { _extensions } = require('node:module');
const swc = require('@swc/core');

const jsc = { target: 'es2023', parser: { syntax: 'typescript' } };
_extensions['.ts'] = (module, file) =>
  module._compile(swc.transformSync(readFileSync(file, 'utf8'), { filename: file, jsc, module: { type: 'commonjs' } }).code, file);
