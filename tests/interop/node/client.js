'use strict';
// A client of grpc-js (nobody here wrote it) against a udsrpc server: client.js TARGET...
//
// Says "ok" and the scenario's name for each, and exits with 0 where everything is as it should be. See peer.js.

const assert = require('assert').strict;
const {grpc, Test, statusDetails, say} = require('./peer.js');

const MIB = 1 << 20;
const {status} = grpc;

// A call's options: it does not hang the test.
const bounded = () => ({deadline: Date.now() + 20000});

function unary(client, method, request, {metadata = new grpc.Metadata(), options = bounded()} = {}) {
  const call = {};
  call.reply = new Promise((resolve, reject) => {
    call.call = client[method](request, metadata, options, (error, reply) => (error ? reject(error) : resolve(reply)));
    call.call.on('metadata', (initial) => (call.initial = initial));
    call.ended = new Promise((end) => call.call.on('status', end));
  });
  call.reply.catch(() => {});
  return call;
}

async function expectCode(code, promise) {
  const error = await promise.then(
      () => assert.fail(`OK in place of ${code}`),
      (rejection) => rejection);
  assert.equal(error.code, code, error.message);
  return error;
}

// The next message of a stream, or null at its end.
function next(stream) {
  return new Promise((resolve, reject) => {
    const read = () => {
      const message = stream.read();
      if (message !== null) finish(() => resolve(message));
    };
    const end = () => finish(() => resolve(null));
    const fail = (error) => finish(() => reject(error));
    const finish = (result) => {
      stream.off('readable', read).off('end', end).off('error', fail);
      result();
    };
    stream.on('readable', read).on('end', end).on('error', fail);
    read();
  });
}

const write = (stream, text) => new Promise((resolve) => stream.write({text}, resolve));

const scenarios = {
  async echo(client) {
    for (const text of ['', 'hello', 'ü'.repeat(100)]) {
      assert.equal((await unary(client, 'Echo', {text}).reply).text, text);
    }
  },

  async long_messages(client) {
    for (const size of [65536, MIB, 4 * MIB - 16]) {
      assert.equal((await unary(client, 'Echo', {text: 'x'.repeat(size)}).reply).text.length, size);
    }
    await expectCode(status.RESOURCE_EXHAUSTED, unary(client, 'Echo', {text: 'x'.repeat(4 * MIB + 1)}).reply);
    await expectCode(status.RESOURCE_EXHAUSTED, unary(client, 'Inflate', {bytes: 4 * MIB + 1}).reply);
  },

  async status(client) {
    const request = {
      code: status.NOT_FOUND,
      message: 'not here: ü%',
      payloads: [{key: 'type.googleapis.com/x.Y', value: Buffer.from([0, 255])}],
    };
    const error = await expectCode(status.NOT_FOUND, unary(client, 'Fail', request).reply);
    assert.equal(error.details, request.message);
    assert.deepEqual(statusDetails.parse(error.metadata.get('grpc-status-details-bin')[0]), request);
    await expectCode(status.UNKNOWN, unary(client, 'Throw', {text: 'x'}).reply);
    const nope = new Promise((resolve, reject) => {
      client.makeUnaryRequest('/udsrpc.testing.Test/Nope', () => Buffer.alloc(0), (bytes) => bytes, {},
                              new grpc.Metadata(), bounded(), (failure, reply) => (failure ? reject(failure) : resolve(reply)));
    });
    await expectCode(status.UNIMPLEMENTED, nope);
  },

  async metadata(client) {
    const metadata = new grpc.Metadata();
    metadata.add('k', '1');
    metadata.add('k', '2');
    metadata.add('b-bin', Buffer.from([255, 0]));
    const call = unary(client, 'Look', {
      initial_metadata: [{key: 'first', value: Buffer.from('a')}],
      trailing_metadata: [{key: 'last-bin', value: Buffer.from([0, 122])}],
    }, {metadata});
    const reply = await call.reply;
    const seen = reply.metadata.map(({key, value}) => `${key}=${value.toString('hex')}`).sort();
    assert.equal(seen.shift(), 'accept-encoding=6964656e74697479');  // which grpc-js sends with every call
    assert.deepEqual(seen, ['b-bin=ff00', 'k=31', 'k=32']);
    assert.deepEqual(call.initial.get('first'), ['a']);
    assert.deepEqual((await call.ended).metadata.get('last-bin'), [Buffer.from([0, 122])]);
    assert(reply.remaining_us > 0 && reply.remaining_us <= 21000000, `${reply.remaining_us} us remain`);
    const without = await unary(client, 'Look', {}, {options: {}}).reply;
    assert.equal(without.remaining_us, -1);
  },

  async deadline(client) {
    const block = () => unary(client, 'Block', {gate: 'closed'}, {options: {deadline: Date.now() + 100}}).reply;
    await Promise.all(Array.from({length: 10}, () => expectCode(status.DEADLINE_EXCEEDED, block())));
  },

  async cancel(client) {
    const stream = client.Hold(new grpc.Metadata(), bounded());
    assert.equal((await next(stream)).text, 'held');
    stream.cancel();
    await expectCode(status.CANCELLED, next(stream));
  },

  async server_streaming(client) {
    for (const [bytes, messages] of [[1000, 1000], [2 * MIB, 4], [1, 0]]) {
      let count = 0;
      for await (const reply of client.Count({bytes, messages}, new grpc.Metadata(), bounded())) {
        assert.equal(reply.text.length, bytes);
        ++count;
      }
      assert.equal(count, messages);
    }
  },

  async client_streaming(client) {
    const sizes = [0, 10, 100000, 3 * MIB, 5];
    const reply = await new Promise((resolve, reject) => {
      const stream = client.Collect(new grpc.Metadata(), bounded(), (error, end) => (error ? reject(error) : resolve(end)));
      for (const size of sizes) stream.write({text: 'x'.repeat(size)});
      stream.end();
    });
    assert.deepEqual(reply, {messages: sizes.length, bytes: 100015 + 3 * MIB});
  },

  async chat(client) {
    const stream = client.Chat(new grpc.Metadata(), bounded());
    for (const text of ['a', '', 'b'.repeat(300000), 'c']) {
      await write(stream, text);
      assert.equal((await next(stream)).text, text);
    }
    stream.end();
    assert.equal(await next(stream), null);
    const aborted = client.Chat(new grpc.Metadata(), bounded());
    aborted.write({text: 'abort'});
    await expectCode(status.ABORTED, next(aborted));
  },

  async many_calls(client) {
    const texts = Array.from({length: 200}, (_, i) => String(i));
    const replies = await Promise.all(texts.map((text) => unary(client, 'Echo', {text}).reply));
    assert.deepEqual(replies.map((reply) => reply.text), texts);
  },

  async slow_reader(client) {
    const stream = client.Count({bytes: 1000, messages: 1000}, new grpc.Metadata(), bounded());
    await next(stream);
    for (let i = 0; i < 20; ++i) {  // others go on
      assert.equal((await unary(client, 'Echo', {text: 'x'.repeat(10000)}).reply).text.length, 10000);
    }
    let count = 1;
    while (await next(stream)) ++count;
    assert.equal(count, 1000);
  },
};

async function main(targets) {
  for (const target of targets) {
    const client = new Test(target, grpc.credentials.createInsecure());
    for (const [name, run] of Object.entries(scenarios)) {
      await run(client);
      say(`ok ${name}`);
    }
    client.close();
  }
}

main(process.argv.slice(2)).catch((error) => {
  console.error(error);
  process.exit(1);
});
