// udsrpc, by its generated stub and service, over both of its transports.

#include <grpc/grpc.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/blocking_counter.h"
#include "absl/time/time.h"
#include "benchmarks/suite/system.h"
#include "echo.udsrpc.pb.h"
#include "udsrpc/channel.h"
#include "udsrpc/server.h"

namespace udsrpc::benchmarks {
namespace {

enum class Variant { kSeqpacket, kSeqpacketBlocking, kGrpc };

// What the variants differ in, at either end.
ChannelOptions ChannelOptionsOf(Variant variant) {
  ChannelOptions options;
  options.transport = variant == Variant::kGrpc ? Transport::kGrpc : Transport::kSeqpacket;
  if (variant == Variant::kSeqpacketBlocking) options.spin_budget = absl::ZeroDuration();
  return options;
}
ServerOptions ServerOptionsOf(Variant variant) {
  ServerOptions options;
  if (variant == Variant::kSeqpacketBlocking) options.spin_budget = absl::ZeroDuration();
  return options;
}
EndpointOptions EndpointOptionsOf(Variant variant) {
  return {.grpc = variant == Variant::kGrpc, .seqpacket = variant != Variant::kGrpc};
}

// The library is never to shut down: that waits for up to 10 s now and then, for what its other threads still hold.
void KeepGrpc(Variant variant) {
  if (variant == Variant::kGrpc) grpc_init();
}

void Require(const absl::Status& status) {
  if (!status.ok()) Fail(status.ToString());
}

void Require(bool condition, const char* what) {
  if (!condition) Fail(what);
}

std::string TargetOf(const std::string& path) { return absl::StrCat("unix:", path); }

class EchoImpl final : public EchoService {
  absl::Status Unary(ServerContext&, const Payload& request, Payload& reply) override {
    if (request.sleep_us() > 0) std::this_thread::sleep_for(std::chrono::microseconds(request.sleep_us()));
    reply.set_data(request.data());
    return absl::OkStatus();
  }
  absl::Status Download(ServerContext&, const DownloadRequest& request, ServerWriter<Payload>& writer) override {
    Payload payload;
    payload.set_data(request.data());
    for (uint64_t sent = 0; request.count() == 0 || sent < request.count(); ++sent) {
      if (!writer.Write(payload)) break;
    }
    return absl::OkStatus();
  }
  absl::Status PingPong(ServerContext&, ServerReaderWriter<Payload, Payload>& stream) override {
    for (Payload payload; stream.Read(payload) && stream.Write(payload);) continue;
    return absl::OkStatus();
  }
  absl::Status Upload(ServerContext&, ServerReader<Payload>& reader, UploadReply& reply) override {
    uint64_t bytes = 0;
    for (Payload payload; reader.Read(payload);) bytes += payload.data().size();
    reply.set_bytes(bytes);
    return absl::OkStatus();
  }
};

class UdsrpcServer final : public RunningServer {
 public:
  UdsrpcServer(const std::string& path, Variant variant) {
    KeepGrpc(variant);
    ServerBuilder builder(ServerOptionsOf(variant));
    builder.AddEndpoint(TargetOf(path), EndpointOptionsOf(variant)).RegisterService(&echo_);
    absl::StatusOr<std::unique_ptr<Server>> server = builder.Start();
    Require(server.status());
    server_ = *std::move(server);
  }

 private:
  EchoImpl echo_;
  std::unique_ptr<Server> server_;
};

struct Timed : ClientContext {
  Timed() { set_timeout(absl::FromChrono(kCallTimeout)); }
};

// One of several callers by callbacks, each of which makes one call after the other.
class CallbackCaller {
 public:
  CallbackCaller(const EchoStub& stub, const std::string& payload, Load& load, absl::BlockingCounter& ended)
      : stub_(stub), load_(load), ended_(ended) {
    request_.set_data(payload);
  }

  void Call() {
    const std::chrono::microseconds sleep = load_.NextSleep();
    request_.set_sleep_us(static_cast<uint32_t>(sleep.count()));
    context_ = std::make_unique<Timed>();
    const Clock::time_point start = Clock::now();
    stub_.Async().Unary(*context_, request_, reply_, [this, start, sleep](const absl::Status& status) {
      Require(status);
      Require(reply_.data() == request_.data(), "another reply");
      if (sleep.count() == 0) load_.Record(start);
      if (load_.over()) {
        ended_.DecrementCount();
      } else {
        Call();
      }
    });
  }

 private:
  const EchoStub& stub_;
  Load& load_;
  absl::BlockingCounter& ended_;
  std::unique_ptr<Timed> context_;
  Payload request_;
  Payload reply_;
};

class UdsrpcConnection final : public Connection {
 public:
  UdsrpcConnection(const std::string& path, Variant variant)
      : stub_(*CreateChannel(TargetOf(path), ChannelOptionsOf(variant))) {
    KeepGrpc(variant);
  }

  void Echo(const std::string& payload, std::chrono::microseconds handler_sleep) override {
    Timed context;
    // Kept, as by whoever calls often with long messages: their memory is not what is measured.
    thread_local Payload request;
    thread_local Payload reply;
    request.set_data(payload);
    request.set_sleep_us(static_cast<uint32_t>(handler_sleep.count()));
    Require(stub_.Unary(context, request, reply));
    Require(reply.data() == payload, "another reply");
  }

  bool EchoMany(int outstanding, const std::string& payload, Load& load) override {
    absl::BlockingCounter ended(outstanding);
    std::vector<std::unique_ptr<CallbackCaller>> callers;
    for (int i = 0; i < outstanding; ++i) {
      callers.push_back(std::make_unique<CallbackCaller>(stub_, payload, load, ended));
      callers.back()->Call();
    }
    ended.Wait();
    return true;
  }

  bool Download(const std::string& payload, Load& load) override {
    Timed context;
    DownloadRequest request;
    request.set_data(payload);
    ClientReader<Payload> reader = stub_.Download(context, request);
    for (Payload message; !load.over(); load.Count()) {
      Require(reader.Read(message) && message.data() == payload, "no message, or another");
    }
    context.Cancel();
    Require(absl::IsCancelled(reader.Finish()), "a cancelled download has another status");
    return true;
  }

  bool PingPong(const std::string& payload, Load& load) override {
    Timed context;
    ClientReaderWriter<Payload, Payload> stream = stub_.PingPong(context);
    Payload ping;
    Payload pong;
    ping.set_data(payload);
    for (Clock::time_point start = Clock::now(); !load.over(); start = load.Record(start)) {
      Require(stream.Write(ping) && stream.Read(pong) && pong.data() == payload, "no message, or another");
    }
    stream.WritesDone();
    Require(stream.Finish());
    return true;
  }

  bool Upload(const std::string& chunk, uint64_t bytes) override {
    Timed context;
    UploadReply reply;
    ClientWriter<Payload, UploadReply> writer = stub_.Upload(context, reply);
    Payload message;
    message.set_data(chunk);
    for (uint64_t sent = 0; sent < bytes; sent += chunk.size()) Require(writer.Write(message), "an upload ends early");
    Require(writer.Finish());
    Require(reply.bytes() == bytes, "another number of bytes has come");
    return true;
  }

 private:
  const EchoStub stub_;
};

template <Variant kVariant>
System UdsrpcSystem(const std::string& name) {
  return {.name = name,
          .serve = [](const std::string& path) -> std::unique_ptr<RunningServer> {
            return std::make_unique<UdsrpcServer>(path, kVariant);
          },
          .connect = [](const std::string& path) -> std::unique_ptr<Connection> {
            return std::make_unique<UdsrpcConnection>(path, kVariant);
          }};
}

}  // namespace

const std::vector<System>& Systems() {
  static const auto* const systems = new std::vector<System>{
      UdsrpcSystem<Variant::kSeqpacket>("udsrpc-seqpacket"),
      UdsrpcSystem<Variant::kSeqpacketBlocking>("udsrpc-seqpacket-blocking"),
      UdsrpcSystem<Variant::kGrpc>("udsrpc-grpc"),
  };
  return *systems;
}

}  // namespace udsrpc::benchmarks
