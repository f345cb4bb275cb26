'use strict';
// A server of grpc-js (nobody here wrote it), for clients of udsrpc: server.js TARGET...
//
// Serves udsrpc.testing.Test. Says "ready" when it does, which Block was cancelled, "draining" when its input has ended
// and it takes no more calls, and "done" at its end. See peer.js.

const {grpc, Test, statusDetails, say} = require('./peer.js');

function metadata(pairs) {
  const result = new grpc.Metadata();
  for (const {key, value} of pairs) result.add(key, key.endsWith('-bin') ? value : value.toString());
  return result;
}

const handlers = {
  Echo: (call, done) => done(null, {text: call.request.text}),

  Fail(call, done) {
    const trailing = new grpc.Metadata();
    trailing.set('grpc-status-details-bin', statusDetails.serialize(call.request));
    done({code: call.request.code, details: call.request.message, metadata: trailing});
  },

  Look(call, done) {
    call.sendMetadata(metadata(call.request.initial_metadata));
    const seen = [];
    for (const key of Object.keys(call.metadata.getMap())) {
      if (key === 'user-agent') continue;
      for (const value of call.metadata.get(key)) {
        // Node.js joins the values of a repeated key, as HTTP allows.
        const values = typeof value === 'string' ? value.split(', ') : [value];
        for (const single of values) seen.push({key, value: Buffer.from(single)});
      }
    }
    const deadline = call.getDeadline();
    const remaining = deadline === Infinity ? -1 : Math.round((deadline - Date.now()) * 1000);
    done(null, {method: call.getPath(), metadata: seen, remaining_us: remaining}, metadata(call.request.trailing_metadata));
  },

  // Never answers.
  Block: (call) => call.on('cancelled', () => say(`cancelled ${call.request.gate}`)),

  Throw: (call, done) => done(new Error(call.request.text)),

  Inflate: (call, done) => done(null, {text: 'x'.repeat(call.request.bytes)}),

  async Count(call) {
    const text = 'x'.repeat(call.request.bytes);
    for (let i = 0; i < call.request.messages; ++i) {
      if (!call.write({text})) await new Promise((resolve) => call.once('drain', resolve));
    }
    call.end();
  },

  Collect(call, done) {
    const reply = {messages: 0, bytes: 0};
    call.on('data', ({text}) => {
      ++reply.messages;
      reply.bytes += text.length;
    });
    call.on('end', () => done(null, reply));
  },

  Chat(call) {
    const begins = new grpc.Metadata();
    begins.set('chat', 'begins');
    call.sendMetadata(begins);
    call.on('data', ({text}) => {
      if (text === 'abort') {
        call.emit('error', {code: grpc.status.ABORTED, details: 'as asked'});
      } else {
        call.write({text});
      }
    });
    call.on('end', () => call.end());
  },

  // Reads nothing.
  Hold: (call) => call.write({text: 'held'}),
};

async function main(targets) {
  const server = new grpc.Server();
  server.addService(Test.service, handlers);
  for (const target of targets) {
    await new Promise((resolve, reject) => {
      server.bindAsync(target, grpc.ServerCredentials.createInsecure(), (error) => (error ? reject(error) : resolve()));
    });
  }
  say('ready');
  process.stdin.resume().on('end', () => {
    server.tryShutdown(() => say('done'));
    say('draining');
  });
}

main(process.argv.slice(2)).catch((error) => {
  console.error(error);
  process.exit(1);
});
