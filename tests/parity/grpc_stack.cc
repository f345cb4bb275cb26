#include <grpc/grpc.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <grpcpp/support/channel_arguments.h>

#include <utility>

#include "absl/time/clock.h"
#include "gtest/gtest.h"
#include "tests/grpc/stock_peers.h"
#include "tests/parity/grpc_client_call.h"
#include "tests/parity/grpc_service.h"
#include "tests/parity/stack.h"

namespace udsrpc::parity {
namespace {

class StockStack final : public Stack {
 public:
  StockStack(std::string target, Face face, const Limits& limits)
      : target_(std::move(target)), face_(face), limits_(limits) {
    grpc::ChannelArguments arguments;
    arguments.SetMaxReceiveMessageSize(static_cast<int>(limits.client_receive_bytes));
    channel_ = grpc::CreateCustomChannel(target_, grpc::InsecureChannelCredentials(), arguments);
  }

  ~StockStack() override { ShutdownServer(absl::ZeroDuration()); }

  void StartServer(Script script) override {
    service_ = std::make_unique<StockService>(std::move(script));
    grpc::ServerBuilder builder;
    builder.SetMaxReceiveMessageSize(static_cast<int>(limits_.server_receive_bytes));
    builder.AddListeningPort(target_, grpc::InsecureServerCredentials());
    builder.RegisterService(service_.get());
    builder.RegisterService(&unwritten_);
    server_ = builder.BuildAndStart();
    ASSERT_NE(server_, nullptr);
  }

  void StartServerWithoutReplies() override {
    generic_server_ =
        std::make_unique<udsrpc::testing::StockServer>(target_, [](udsrpc::testing::StockServer::Call& call) {
          call.Read();
          call.Finish(grpc::Status::OK);
        });
  }

  void ShutdownServer(absl::Duration grace) override {
    generic_server_.reset();
    if (server_ == nullptr) return;
    server_->Shutdown(absl::ToChronoTime(absl::Now() + grace));
    server_->Wait();
    server_.reset();
  }

  std::unique_ptr<ClientCall> MakeCall(const CallOptions& options, std::vector<std::string>& /*refused*/) override {
    return face_ == Face::kGrpcStubCallback ? MakeStockCallbackCall(channel_, options)
                                            : MakeStockCall(channel_, options);
  }

 private:
  const std::string target_;
  const Face face_;
  const Limits limits_;
  std::shared_ptr<grpc::Channel> channel_;
  Unwritten::Service unwritten_;
  std::unique_ptr<StockService> service_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<udsrpc::testing::StockServer> generic_server_;
};

}  // namespace

std::unique_ptr<Stack> MakeStockStack(const std::string& target, Face face, const Limits& limits) {
  // Once and never undone: when the program's last user of gRPC goes, gRPC 1.51's grpc_shutdown may wait 10 s for a
  // poller of its own.
  static const bool initialized = (grpc_init(), true);
  EXPECT_TRUE(initialized);
  return std::make_unique<StockStack>(target, face, limits);
}

}  // namespace udsrpc::parity
