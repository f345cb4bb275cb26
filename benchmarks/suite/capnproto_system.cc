// Cap'n Proto's RPC over a Unix stream socket. Each of its event loops belongs to a thread: the server has one, and so
// has each thread that calls. Calls have no deadline: it knows none.

#include <capnp/message.h>
#include <capnp/rpc-twoparty.h>
#include <kj/async-io.h>
#include <kj/async.h>
#include <kj/timer.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <exception>
#include <future>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "benchmarks/suite/capnproto_buffered_stream.h"
#include "benchmarks/suite/system.h"
#include "echo.capnp.h"

namespace udsrpc::benchmarks {
namespace {

using capnp_api::Echo;

kj::ArrayPtr<const kj::byte> BytesOf(const std::string& payload) {
  return kj::arrayPtr(reinterpret_cast<const kj::byte*>(payload.data()), payload.size());
}

// Of a message with that much data, so that it is allocated at once.
capnp::MessageSize SizeFor(size_t payload_size) {
  return {.wordCount = payload_size / sizeof(capnp::word) + 16, .capCount = 0};
}

void CheckEcho(capnp::Data::Reader data, const std::string& payload) {
  if (data.size() != payload.size() || std::memcmp(data.begin(), payload.data(), payload.size()) != 0) {
    Fail("capnproto: another reply");
  }
}

// What a client uploads into.
class UploadSink final : public Echo::Sink::Server {
  kj::Promise<void> write(WriteContext context) override {
    bytes_ += context.getParams().getData().size();
    return kj::READY_NOW;
  }
  kj::Promise<void> done(DoneContext context) override {
    context.getResults(SizeFor(0)).setBytes(bytes_);
    return kj::READY_NOW;
  }

  uint64_t bytes_ = 0;
};

class EchoImpl final : public Echo::Server {
 public:
  explicit EchoImpl(kj::Timer& timer) : timer_(timer) {}

 private:
  kj::Promise<void> unary(UnaryContext context) override {
    const uint32_t sleep_us = context.getParams().getSleepUs();
    if (sleep_us == 0) {
      Reply(context);
      return kj::READY_NOW;
    }
    return timer_.afterDelay(sleep_us * kj::MICROSECONDS).then([context]() mutable { Reply(context); });
  }
  static void Reply(UnaryContext& context) {
    const capnp::Data::Reader data = context.getParams().getData();
    context.getResults(SizeFor(data.size())).setData(data);
  }

  kj::Promise<void> download(DownloadContext context) override {
    context.allowCancellation();
    return Pour(context.getParams().getData(), context.getParams().getSink()).attach(kj::mv(context));
  }
  static kj::Promise<void> Pour(capnp::Data::Reader data, Echo::Sink::Client sink) {
    auto write = sink.writeRequest(SizeFor(data.size()));
    write.setData(data);
    return write.send().then([data, sink]() mutable { return Pour(data, kj::mv(sink)); });
  }

  kj::Promise<void> upload(UploadContext context) override {
    context.getResults(SizeFor(0)).setSink(kj::heap<UploadSink>());
    return kj::READY_NOW;
  }

  kj::Timer& timer_;
};

class CapnprotoServer final : public RunningServer {
 public:
  explicit CapnprotoServer(const std::string& path) {
    std::promise<Stop> ready;
    std::future<Stop> stop = ready.get_future();
    thread_ = std::thread([path, ready = std::move(ready)]() mutable {
      try {
        Run(path, ready);
      } catch (const std::exception& error) {
        Fail(std::string("capnproto server: ") + error.what());
      }
    });
    stop_ = stop.get();
  }
  ~CapnprotoServer() noexcept override {
    stop_->fulfill();
    thread_.join();
  }

 private:
  using Stop = kj::Own<kj::CrossThreadPromiseFulfiller<void>>;

  static void Run(const std::string& path, std::promise<Stop>& ready) {
    kj::AsyncIoContext io = kj::setupAsyncIo();
    kj::Own<kj::NetworkAddress> address = io.provider->getNetwork().parseAddress("unix:" + path).wait(io.waitScope);
    kj::Own<kj::ConnectionReceiver> listener = address->listen();
    capnp::TwoPartyServer server(kj::heap<EchoImpl>(io.provider->getTimer()));
    kj::PromiseCrossThreadFulfillerPair<void> stop = kj::newPromiseAndCrossThreadFulfiller<void>();
    ready.set_value(kj::mv(stop.fulfiller));
    Listen(server, *listener).exclusiveJoin(kj::mv(stop.promise)).wait(io.waitScope);
  }
  // TwoPartyServer's own, but for the buffers.
  static kj::Promise<void> Listen(capnp::TwoPartyServer& server, kj::ConnectionReceiver& listener) {
    return listener.accept().then([&server, &listener](kj::Own<kj::AsyncIoStream> connection) {
      server.accept(kj::heap<BufferedStream>(kj::mv(connection)));
      return Listen(server, listener);
    });
  }

  Stop stop_;
  std::thread thread_;
};

// What a server downloads into, until `load` is over.
class DownloadSink final : public Echo::Sink::Server {
 public:
  DownloadSink(const std::string& payload, Load& load, kj::Own<kj::PromiseFulfiller<void>> over)
      : payload_(payload), load_(load), over_(kj::mv(over)) {}

 private:
  kj::Promise<void> write(WriteContext context) override {
    // What is still on its way finds the sink as it is, but not what it counted for.
    if (!over_->isWaiting()) return kj::READY_NOW;
    CheckEcho(context.getParams().getData(), payload_);
    load_.Count();
    if (load_.over()) over_->fulfill();
    return kj::READY_NOW;
  }

  const std::string& payload_;
  Load& load_;
  kj::Own<kj::PromiseFulfiller<void>> over_;
};

// A thread's channel to the server.
class Channel {
 public:
  Channel(kj::AsyncIoContext& io, const std::string& path)
      : wait_scope_(io.waitScope),
        stream_(kj::heap<BufferedStream>(Connect(io, path))),
        client_(*stream_),
        echo_(client_.bootstrap().castAs<Echo>()) {}

  void DoEcho(const std::string& payload, std::chrono::microseconds sleep) {
    const auto reply = Send(payload, sleep).wait(wait_scope_);
    CheckEcho(reply.getData(), payload);
  }

  void EchoMany(int outstanding, const std::string& payload, Load& load) {
    kj::Vector<kj::Promise<void>> promises;
    for (int i = 0; i < outstanding; ++i) promises.add(EchoOnAndOn(payload, load, Clock::now()));
    kj::joinPromises(promises.releaseAsArray()).wait(wait_scope_);
  }

  void Download(const std::string& payload, Load& load) {
    kj::PromiseFulfillerPair<void> over = kj::newPromiseAndFulfiller<void>();
    auto request = echo_.downloadRequest(SizeFor(payload.size()));
    request.setData(BytesOf(payload));
    request.setSink(kj::heap<DownloadSink>(payload, load, kj::mv(over.fulfiller)));
    // Whichever is first; the call never ends by itself.
    request.send().ignoreResult().exclusiveJoin(kj::mv(over.promise)).wait(wait_scope_);
  }

  void Upload(const std::string& chunk, uint64_t bytes) {
    Echo::Sink::Client sink = echo_.uploadRequest(SizeFor(0)).send().wait(wait_scope_).getSink();
    WriteAll(sink, chunk, bytes).wait(wait_scope_);
    const auto reply = sink.doneRequest(SizeFor(0)).send().wait(wait_scope_);
    if (reply.getBytes() != bytes) Fail("capnproto: not all has come");
  }

 private:
  static kj::Own<kj::AsyncIoStream> Connect(kj::AsyncIoContext& io, const std::string& path) {
    return io.provider->getNetwork().parseAddress("unix:" + path).wait(io.waitScope)->connect().wait(io.waitScope);
  }

  capnp::RemotePromise<Echo::UnaryResults> Send(const std::string& payload, std::chrono::microseconds sleep) {
    auto request = echo_.unaryRequest(SizeFor(payload.size()));
    request.setData(BytesOf(payload));
    request.setSleepUs(static_cast<uint32_t>(sleep.count()));
    return request.send();
  }

  // One call after the other.
  kj::Promise<void> EchoOnAndOn(const std::string& payload, Load& load, Clock::time_point start) {
    const std::chrono::microseconds sleep = load.NextSleep();
    return Send(payload, sleep).then([this, &payload, &load, start, sleep](auto&& reply) -> kj::Promise<void> {
      CheckEcho(reply.getData(), payload);
      const Clock::time_point now = sleep.count() == 0 ? load.Record(start) : Clock::now();
      if (load.over()) return kj::READY_NOW;
      return EchoOnAndOn(payload, load, now);
    });
  }

  // As flow control lets it.
  static kj::Promise<void> WriteAll(Echo::Sink::Client sink, const std::string& chunk, uint64_t bytes) {
    if (bytes == 0) return kj::READY_NOW;
    const size_t size = std::min<uint64_t>(chunk.size(), bytes);
    auto write = sink.writeRequest(SizeFor(size));
    write.setData(BytesOf(chunk).slice(0, size));
    return write.send().then(
        [sink, &chunk, left = bytes - size]() mutable { return WriteAll(kj::mv(sink), chunk, left); });
  }

  kj::WaitScope& wait_scope_;
  kj::Own<kj::AsyncIoStream> stream_;
  capnp::TwoPartyClient client_;
  Echo::Client echo_;
};

// A thread's event loop, and its channels of all connections.
class ThreadChannels {
 public:
  static ThreadChannels& OfThisThread() {
    thread_local ThreadChannels channels;
    return channels;
  }

  Channel& Get(uint64_t connection, const std::string& path) {
    std::unique_ptr<Channel>& channel = channels_[connection];
    if (channel == nullptr) channel = std::make_unique<Channel>(io_, path);
    return *channel;
  }
  void Drop(uint64_t connection) { channels_.erase(connection); }

 private:
  kj::AsyncIoContext io_ = kj::setupAsyncIo();
  std::map<uint64_t, std::unique_ptr<Channel>> channels_;
};

class CapnprotoConnection final : public Connection {
 public:
  explicit CapnprotoConnection(const std::string& path) : path_(path) {}
  // Those of other threads stay open until these end: they belong to their event loops.
  ~CapnprotoConnection() noexcept override { ThreadChannels::OfThisThread().Drop(id_); }

  void Echo(const std::string& payload, std::chrono::microseconds handler_sleep) override {
    OnChannel([&](Channel& channel) { channel.DoEcho(payload, handler_sleep); });
  }
  bool EchoMany(int outstanding, const std::string& payload, Load& load) override {
    return OnChannel([&](Channel& channel) { channel.EchoMany(outstanding, payload, load); });
  }
  bool Download(const std::string& payload, Load& load) override {
    return OnChannel([&](Channel& channel) { channel.Download(payload, load); });
  }
  bool Upload(const std::string& chunk, uint64_t bytes) override {
    return OnChannel([&](Channel& channel) { channel.Upload(chunk, bytes); });
  }

 private:
  template <typename Use>
  bool OnChannel(const Use& use) {
    try {
      use(ThreadChannels::OfThisThread().Get(id_, path_));
    } catch (const std::exception& error) {
      Fail(std::string("capnproto: ") + error.what());
    }
    return true;
  }

  static inline std::atomic<uint64_t> last_id_{0};
  const uint64_t id_ = ++last_id_;
  const std::string path_;
};

std::unique_ptr<RunningServer> Serve(const std::string& path) { return std::make_unique<CapnprotoServer>(path); }
std::unique_ptr<Connection> Connect(const std::string& path) { return std::make_unique<CapnprotoConnection>(path); }

}  // namespace

const std::vector<System>& Systems() {
  static const std::vector<System> systems = {{"capnproto", Serve, Connect}};
  return systems;
}

}  // namespace udsrpc::benchmarks
