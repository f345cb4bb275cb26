'use strict';
// What the client and the server have in common: gRPC, the test service, and how they speak to whoever runs them.
//
// UDSRPC_NODE_MODULES is the directory that npm has installed into, UDSRPC_TEST_PROTO the path of testing.proto.

const path = require('path');

const grpc = require(path.join(process.env.UDSRPC_NODE_MODULES, '@grpc/grpc-js'));
const loader = require(path.join(process.env.UDSRPC_NODE_MODULES, '@grpc/proto-loader'));

const definition = loader.loadSync(process.env.UDSRPC_TEST_PROTO, {keepCase: true, longs: Number, defaults: true});
const {Test} = grpc.loadPackageDefinition(definition).udsrpc.testing;

// FailRequest has the fields of google.rpc.Status with the same numbers and types.
const statusDetails = {
  serialize: Test.service.Fail.requestSerialize,
  parse: Test.service.Fail.requestDeserialize,
};

function say(line) {
  process.stdout.write(line + '\n');
}

module.exports = {grpc, Test, statusDetails, say};
