#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gtest/gtest.h"
#include "tests/parity/grpc_client_call.h"
#include "tests/parity/grpc_service.h"
#include "tests/parity/stack.h"
#include "tests/parity/udsrpc_client_call.h"
#include "tests/parity/udsrpc_service.h"
#include "tests/support/grpc_tls.h"
#include "udsrpc/grpc_channel.h"
#include "udsrpc/grpc_services.h"
#include "udsrpc/server.h"

namespace udsrpc::parity {
namespace {

class UdsrpcStack final : public Stack {
 public:
  // `tls`: at a target that is not on this host.
  UdsrpcStack(std::string target, Transport transport, bool tls, Face face, const Limits& limits)
      : target_(std::move(target)), tls_(tls), face_(face), limits_(limits) {
    channel_ = CreateChannel(target_, {.transport = transport,
                                       .max_receive_message_bytes = limits.client_receive_bytes,
                                       .credentials = tls ? udsrpc::testing::TlsClient() : nullptr})
                   .value();
    grpc_channel_ = CreateGrpcChannel(channel_);
    waiting_grpc_channel_ = CreateGrpcChannel(channel_, {.wait_for_ready = true});
  }

  ~UdsrpcStack() override { ShutdownServer(absl::ZeroDuration()); }

  void StartServer(Script script) override {
    if (face_ == Face::kGrpcService) return StartGrpcService(std::move(script));
    if (face_ == Face::kCoroutine) return Start(std::make_unique<UdsrpcCoroutineService>(std::move(script)));
    Start(std::make_unique<UdsrpcService>(std::move(script)));
  }

  void StartServerWithoutReplies() override { Start(std::make_unique<ReplylessService>()); }
  void ShutdownServer(absl::Duration grace) override {
    if (server_ == nullptr) return;
    server_->Shutdown(absl::Now() + grace);
    server_.reset();
    grpc_services_.reset();
  }

  std::unique_ptr<ClientCall> MakeCall(const CallOptions& options, std::vector<std::string>& refused) override {
    switch (face_) {
      case Face::kBlocking:
      case Face::kGrpcService:
        break;
      case Face::kCallback:
        return MakeCallbackCall(channel_, options, refused);
      case Face::kCoroutine:
        return MakeCoroutineCall(channel_, options, refused);
      case Face::kGrpcStub:
        return MakeStockCall(GrpcChannelFor(options), options);
      case Face::kGrpcStubQueue:
        return MakeStockQueueCall(GrpcChannelFor(options), options);
      case Face::kGrpcStubCallback:
        return MakeStockCallbackCall(GrpcChannelFor(options), options);
    }
    return MakeBlockingCall(channel_, options, refused);
  }

 private:
  const std::shared_ptr<grpc::Channel>& GrpcChannelFor(const CallOptions& options) const {
    return options.wait_for_ready ? waiting_grpc_channel_ : grpc_channel_;
  }

  void StartGrpcService(Script script) {
    grpc_service_ = std::make_unique<StockService>(std::move(script));
    grpc_services_ = std::make_unique<GrpcServices>();
    grpc_services_->Add<Calls>(grpc_service_.get()).Add<Unwritten>(&grpc_unwritten_);
    ServerBuilder builder(ServerOptions{.max_receive_message_bytes = limits_.server_receive_bytes});
    builder.AddEndpoint(target_);
    const absl::Status registered = grpc_services_->RegisterWith(builder);
    ASSERT_TRUE(registered.ok()) << registered;
    absl::StatusOr<std::unique_ptr<Server>> server = builder.Start();
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }

  void Start(std::unique_ptr<Service> service) {
    service_ = std::move(service);
    ServerBuilder builder(ServerOptions{.max_receive_message_bytes = limits_.server_receive_bytes});
    if (tls_) {
      builder.AddRemoteEndpoint(target_, udsrpc::testing::TlsServer());
    } else {
      builder.AddEndpoint(target_);
    }
    builder.RegisterService(service_.get());
    builder.RegisterService(&unwritten_);
    absl::StatusOr<std::unique_ptr<Server>> server = builder.Start();
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }

  const std::string target_;
  const bool tls_;
  const Face face_;
  const Limits limits_;
  std::shared_ptr<Channel> channel_;
  std::shared_ptr<grpc::Channel> grpc_channel_;
  std::shared_ptr<grpc::Channel> waiting_grpc_channel_;
  UnwrittenService unwritten_;
  std::unique_ptr<Service> service_;
  Unwritten::Service grpc_unwritten_;
  std::unique_ptr<StockService> grpc_service_;
  std::unique_ptr<GrpcServices> grpc_services_;
  std::unique_ptr<Server> server_;
};

}  // namespace

std::unique_ptr<Stack> MakeUdsrpcStack(const std::string& target, Transport transport, Face face,
                                       const Limits& limits) {
  return std::make_unique<UdsrpcStack>(target, transport, /*tls=*/false, face, limits);
}

std::unique_ptr<Stack> MakeUdsrpcTlsStack(Face face, const Limits& limits) {
  const std::string target = absl::StrCat("ipv4:127.0.0.1:", udsrpc::testing::PortForAServer());
  return std::make_unique<UdsrpcStack>(target, Transport::kGrpc, /*tls=*/true, face, limits);
}

}  // namespace udsrpc::parity
