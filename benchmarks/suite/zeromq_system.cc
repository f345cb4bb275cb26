// ZeroMQ over ipc://. It is no RPC framework: a call here is a message from a DEALER socket to a ROUTER socket and the
// same message back, with a number that tells which call it answers.

#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>
#include <zmq.hpp>

#include "benchmarks/suite/channel_pool.h"
#include "benchmarks/suite/system.h"

namespace udsrpc::benchmarks {
namespace {

// At the start of each message, before the payload.
struct Header {
  uint32_t sleep_us;
  uint32_t call;
};

Header HeaderOf(const zmq::message_t& message) {
  Header header;
  if (message.size() < sizeof(header)) Fail("zeromq: a message without a header");
  std::memcpy(&header, message.data(), sizeof(header));
  return header;
}

// A ROUTER drops what it cannot send at once, beyond its high-water mark: there is none.
void SetUp(zmq::socket_t& socket) {
  socket.set(zmq::sockopt::sndhwm, 0);
  socket.set(zmq::sockopt::rcvhwm, 0);
  socket.set(zmq::sockopt::linger, 0);
}

class ZeromqServer final : public RunningServer {
 public:
  explicit ZeromqServer(const std::string& path) : router_(context_, zmq::socket_type::router) {
    SetUp(router_);
    router_.bind("ipc://" + path);
    thread_ = std::thread([this] { Run(); });
  }
  ~ZeromqServer() override {
    context_.shutdown();
    thread_.join();
  }

 private:
  struct Call {
    zmq::message_t peer;
    zmq::message_t message;

    void ReplyTo(zmq::socket_t& router) {
      router.send(peer, zmq::send_flags::sndmore);
      router.send(message, zmq::send_flags::none);
    }
  };

  void Run() {
    try {
      while (true) Serve();
    } catch (const zmq::error_t& error) {
      if (error.num() != ETERM) Fail(std::string("zeromq server: ") + error.what());
    }
    // Which the context's end waits for.
    router_.close();
  }

  // Replies to what comes next, or to what is due. Calls that sleep hold up no others: a ROUTER may reply in any order.
  void Serve() {
    if (!sleeping_.empty()) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(sleeping_.begin()->first - Clock::now());
      router_.set(zmq::sockopt::rcvtimeo, left.count() > 0 ? static_cast<int>(left.count()) : 0);
    }
    Call call;
    if (router_.recv(call.peer)) {
      if (!router_.recv(call.message)) Fail("zeromq server: half a message");
      const std::chrono::microseconds sleep(HeaderOf(call.message).sleep_us);
      if (sleep.count() == 0) {
        call.ReplyTo(router_);
      } else {
        sleeping_.emplace(Clock::now() + sleep, std::move(call));
      }
    }
    if (sleeping_.empty()) return;
    const Clock::time_point now = Clock::now();
    while (!sleeping_.empty() && sleeping_.begin()->first <= now) {
      sleeping_.begin()->second.ReplyTo(router_);
      sleeping_.erase(sleeping_.begin());
    }
    if (sleeping_.empty()) router_.set(zmq::sockopt::rcvtimeo, -1);
  }

  zmq::context_t context_;
  zmq::socket_t router_;
  std::multimap<Clock::time_point, Call> sleeping_;
  std::thread thread_;
};

// The clients' context, one for the program as ZeroMQ advises, with room for any number of connections. Never
// destroyed: its end would wait for sockets that are still open.
zmq::context_t& ClientContext() {
  static zmq::context_t* const context = [] {
    auto* const all = new zmq::context_t;
    all->set(zmq::ctxopt::max_sockets, all->get(zmq::ctxopt::socket_limit));
    return all;
  }();
  return *context;
}

class Channel {
 public:
  explicit Channel(const std::string& path) : dealer_(ClientContext(), zmq::socket_type::dealer) {
    SetUp(dealer_);
    dealer_.set(zmq::sockopt::rcvtimeo, static_cast<int>(std::chrono::milliseconds(kCallTimeout).count()));
    dealer_.connect("ipc://" + path);
  }

  void Send(const std::string& payload, std::chrono::microseconds sleep, uint32_t call) {
    const Header header{.sleep_us = static_cast<uint32_t>(sleep.count()), .call = call};
    zmq::message_t message(sizeof(header) + payload.size());
    std::memcpy(message.data(), &header, sizeof(header));
    std::memcpy(message.data<char>() + sizeof(header), payload.data(), payload.size());
    dealer_.send(message, zmq::send_flags::none);
  }

  // Which call the next reply is for.
  uint32_t ReceiveEchoOf(const std::string& payload) {
    if (!dealer_.recv(reply_)) Fail("zeromq: no reply in time");
    const uint32_t call = HeaderOf(reply_).call;
    if (reply_.size() != sizeof(Header) + payload.size() ||
        std::memcmp(reply_.data<char>() + sizeof(Header), payload.data(), payload.size()) != 0) {
      Fail("zeromq: another reply");
    }
    return call;
  }

 private:
  zmq::socket_t dealer_;
  zmq::message_t reply_;
};

class ZeromqConnection final : public Connection {
 public:
  explicit ZeromqConnection(const std::string& path) : channels_([path] { return std::make_unique<Channel>(path); }) {}

  void Echo(const std::string& payload, std::chrono::microseconds handler_sleep) override {
    try {
      ChannelPool<Channel>::Lease channel(channels_);
      channel->Send(payload, handler_sleep, 0);
      if (channel->ReceiveEchoOf(payload) != 0) Fail("zeromq: the reply to another call");
    } catch (const zmq::error_t& error) {
      Fail(std::string("zeromq: ") + error.what());
    }
  }

  bool EchoMany(int outstanding, const std::string& payload, Load& load) override {
    try {
      DoEchoMany(static_cast<uint32_t>(outstanding), payload, load);
    } catch (const zmq::error_t& error) {
      Fail(std::string("zeromq: ") + error.what());
    }
    return true;
  }

 private:
  struct Call {
    Clock::time_point start;
    bool slow = false;
    bool under_way = false;
  };

  void DoEchoMany(uint32_t outstanding, const std::string& payload, Load& load) {
    ChannelPool<Channel>::Lease channel(channels_);
    std::vector<Call> calls(outstanding);
    const auto begin = [&](uint32_t number, Clock::time_point start) {
      const std::chrono::microseconds sleep = load.NextSleep();
      calls[number] = {.start = start, .slow = sleep.count() != 0, .under_way = true};
      channel->Send(payload, sleep, number);
    };
    for (uint32_t i = 0; i < outstanding; ++i) begin(i, Clock::now());
    for (uint32_t under_way = outstanding; under_way > 0;) {
      const uint32_t number = channel->ReceiveEchoOf(payload);
      if (number >= outstanding || !calls[number].under_way) Fail("zeromq: a reply without a call");
      Call& call = calls[number];
      const Clock::time_point now = call.slow ? Clock::now() : load.Record(call.start);
      call.under_way = false;
      if (load.over()) {
        --under_way;
      } else {
        begin(number, now);
      }
    }
  }

  ChannelPool<Channel> channels_;
};

std::unique_ptr<RunningServer> Serve(const std::string& path) {
  try {
    return std::make_unique<ZeromqServer>(path);
  } catch (const zmq::error_t& error) {
    Fail(std::string("zeromq server: ") + error.what());
  }
}

std::unique_ptr<Connection> Connect(const std::string& path) {
  try {
    return std::make_unique<ZeromqConnection>(path);
  } catch (const zmq::error_t& error) {
    Fail(std::string("zeromq: ") + error.what());
  }
}

}  // namespace

const std::vector<System>& Systems() {
  static const std::vector<System> systems = {{"zeromq", Serve, Connect}};
  return systems;
}

}  // namespace udsrpc::benchmarks
