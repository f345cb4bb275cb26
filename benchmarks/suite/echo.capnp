@0xce31d334f4824c6d;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("udsrpc::benchmarks::capnp_api");

# What echo.proto has. A stream is a capability with a streaming method, whose calls go one way under flow control.
interface Echo {
  # `data` comes back, after `sleepUs`.
  unary @0 (data :Data, sleepUs :UInt32) -> (data :Data);
  # Writes `data` to `sink` until the call is cancelled.
  download @1 (data :Data, sink :Sink);
  upload @2 () -> (sink :Sink);

  interface Sink {
    write @0 (data :Data) -> stream;
    # How many bytes have been written.
    done @1 () -> (bytes :UInt64);
  }
}
