// Thrift: binary messages over a Unix stream socket, served by a thread for each connection. TFramedTransport, which
// the other servers ask for, would receive each message in two calls of the kernel.

#include <sys/socket.h>
#include <thrift/TToString.h>
#include <thrift/protocol/TBinaryProtocol.h>
#include <thrift/server/TThreadedServer.h>
#include <thrift/transport/TBufferTransports.h>
#include <thrift/transport/TServerSocket.h>
#include <thrift/transport/TSocket.h>

#include <chrono>
#include <cstdint>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "benchmarks/suite/blocking_callers.h"
#include "benchmarks/suite/channel_pool.h"
#include "benchmarks/suite/system.h"
#include "thrift_api/Echo.h"

namespace udsrpc::benchmarks {
namespace {

using apache::thrift::TException;
using apache::thrift::protocol::TBinaryProtocol;
using apache::thrift::protocol::TBinaryProtocolFactory;
using apache::thrift::server::TServerEventHandler;
using apache::thrift::server::TThreadedServer;
using apache::thrift::transport::TBufferedTransport;
using apache::thrift::transport::TServerSocket;
using apache::thrift::transport::TSocket;
using apache::thrift::transport::TTransport;
using apache::thrift::transport::TTransportFactory;

// With buffers that a message fits into, but for the longest, so that it takes one call of the kernel at each end.
class BufferedTransport final : public TBufferedTransport {
 public:
  explicit BufferedTransport(std::shared_ptr<TTransport> transport)
      : TBufferedTransport(std::move(transport), /*sz=*/256 * 1024) {}

  // Thrift 0.17 takes all that a connection reads for one message, and ends it after 100 MB (THRIFT-5492).
  uint32_t readEnd() override {
    resetConsumedMessageSize();
    return TBufferedTransport::readEnd();
  }
};

class BufferedTransportFactory final : public TTransportFactory {
 public:
  std::shared_ptr<TTransport> getTransport(std::shared_ptr<TTransport> transport) override {
    return std::make_shared<BufferedTransport>(std::move(transport));
  }
};

class EchoHandler final : public thrift_api::EchoIf {
 public:
  void Unary(std::string& reply, const std::string& data, int32_t sleep_us) override {
    if (sleep_us != 0) std::this_thread::sleep_for(std::chrono::microseconds(sleep_us));
    reply = data;
  }
};

// A server socket whose connections can be ended. Thrift's own way to end them has it poll before each read.
class EndableServerSocket final : public TServerSocket {
 public:
  explicit EndableServerSocket(const std::string& path) : TServerSocket(path) { setInterruptableChildren(false); }

  // Those to come as well.
  void EndConnections() {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    for (const std::weak_ptr<TSocket>& connection : connections_) {
      if (const std::shared_ptr<TSocket> socket = connection.lock()) End(*socket);
    }
  }

 private:
  std::shared_ptr<TSocket> createSocket(THRIFT_SOCKET client) override {
    std::shared_ptr<TSocket> socket = TServerSocket::createSocket(client);
    const std::lock_guard lock(mutex_);
    if (ended_) End(*socket);
    std::erase_if(connections_, [](const std::weak_ptr<TSocket>& connection) { return connection.expired(); });
    connections_.push_back(socket);
    return socket;
  }

  // The thread that reads from it finds its end, and closes it.
  static void End(TSocket& socket) { shutdown(socket.getSocketFD(), SHUT_RDWR); }

  std::mutex mutex_;
  bool ended_ = false;
  std::vector<std::weak_ptr<TSocket>> connections_;
};

class ThriftServer final : public RunningServer {
 public:
  explicit ThriftServer(const std::string& path)
      : socket_(std::make_shared<EndableServerSocket>(path)),
        server_(std::make_shared<thrift_api::EchoProcessor>(std::make_shared<EchoHandler>()), socket_,
                std::make_shared<BufferedTransportFactory>(), std::make_shared<TBinaryProtocolFactory>()) {
    const auto listening = std::make_shared<Listening>();
    server_.setServerEventHandler(listening);
    thread_ = std::thread([this] { Run(); });
    listening->promise.get_future().wait();
  }
  ~ThriftServer() override {
    server_.stop();
    socket_->EndConnections();
    thread_.join();
  }

 private:
  struct Listening final : TServerEventHandler {
    void preServe() override { promise.set_value(); }

    std::promise<void> promise;
  };

  void Run() {
    try {
      server_.serve();
    } catch (const TException& error) {
      Fail(std::string("thrift server: ") + error.what());
    }
  }

  const std::shared_ptr<EndableServerSocket> socket_;
  TThreadedServer server_;
  std::thread thread_;
};

class Channel {
 public:
  explicit Channel(const std::string& path)
      : socket_(std::make_shared<TSocket>(path)),
        client_(std::make_shared<TBinaryProtocol>(std::make_shared<BufferedTransport>(socket_))) {
    const int timeout = static_cast<int>(std::chrono::milliseconds(kCallTimeout).count());
    socket_->setRecvTimeout(timeout);
    socket_->setSendTimeout(timeout);
    socket_->open();
  }

  void Send(const std::string& payload, std::chrono::microseconds sleep) {
    client_.send_Unary(payload, static_cast<int32_t>(sleep.count()));
  }
  void ReceiveEchoOf(const std::string& payload) {
    client_.recv_Unary(reply_);
    if (reply_ != payload) Fail("thrift: another reply");
  }

  // Whether both ends could be blocked in a write, each for the other to read, with so many calls under way.
  bool CanJam(int outstanding, size_t payload_size) const {
    int buffer = 0;
    socklen_t size = sizeof(buffer);
    if (getsockopt(socket_->getSocketFD(), SOL_SOCKET, SO_SNDBUF, &buffer, &size) != 0) Fail("thrift: no SO_SNDBUF");
    // What the kernel takes off the buffer for a message, at most.
    const size_t charge = 2 * payload_size + 1024;
    return charge * static_cast<size_t>(outstanding) > 2 * static_cast<size_t>(buffer);
  }

 private:
  const std::shared_ptr<TSocket> socket_;
  thrift_api::EchoClient client_;
  std::string reply_;
};

class ThriftConnection final : public Connection {
 public:
  explicit ThriftConnection(const std::string& path) : channels_([path] { return std::make_unique<Channel>(path); }) {}

  void Echo(const std::string& payload, std::chrono::microseconds handler_sleep) override {
    try {
      ChannelPool<Channel>::Lease channel(channels_);
      channel->Send(payload, handler_sleep);
      channel->ReceiveEchoOf(payload);
    } catch (const TException& error) {
      Fail(std::string("thrift: ") + error.what());
    }
  }

  // Thrift's C++ has no asynchronous client that would do. What its clients can do is to send calls ahead: the server
  // replies in their order. Where a slow one would hold up the others, or they are too long, each has a connection.
  bool EchoMany(int outstanding, const std::string& payload, Load& load) override {
    try {
      if (load.slow_every() != 0 || !SendAhead(outstanding, payload, load)) {
        EchoByThreads(outstanding, *this, payload, load);
      }
    } catch (const TException& error) {
      Fail(std::string("thrift: ") + error.what());
    }
    return true;
  }

 private:
  // False where that could jam.
  bool SendAhead(int outstanding, const std::string& payload, Load& load) {
    ChannelPool<Channel>::Lease channel(channels_);
    if (channel->CanJam(outstanding, payload.size())) return false;
    // When each call began: a ring, from the oldest on.
    std::vector<Clock::time_point> starts;
    for (int i = 0; i < outstanding; ++i) {
      starts.push_back(Clock::now());
      channel->Send(payload, std::chrono::microseconds(0));
    }
    size_t oldest = 0;
    for (int under_way = outstanding; under_way > 0; oldest = (oldest + 1) % starts.size()) {
      channel->ReceiveEchoOf(payload);
      const Clock::time_point now = load.Record(starts[oldest]);
      if (load.over()) {
        --under_way;
      } else {
        starts[oldest] = now;
        channel->Send(payload, std::chrono::microseconds(0));
      }
    }
    return true;
  }

  ChannelPool<Channel> channels_;
};

std::unique_ptr<RunningServer> Serve(const std::string& path) { return std::make_unique<ThriftServer>(path); }

std::unique_ptr<Connection> Connect(const std::string& path) {
  try {
    return std::make_unique<ThriftConnection>(path);
  } catch (const TException& error) {
    Fail(std::string("thrift: ") + error.what());
  }
}

}  // namespace

const std::vector<System>& Systems() {
  static const std::vector<System> systems = {{"thrift", Serve, Connect}};
  return systems;
}

}  // namespace udsrpc::benchmarks
