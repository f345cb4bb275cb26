// Takeovers as clients of stock gRPC see them, who know nothing of ours.

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/src/grpc_metadata.h"
#include "gmock/gmock.h"
#include "tests/grpc/stock_peers.h"
#include "tests/support/child_process.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_service.h"
#include "udsrpc/internal/mutex.h"

namespace udsrpc::testing {
namespace {

std::shared_ptr<grpc::Channel> ConnectStock(const std::string& target) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);  // a connection of its own
  return grpc::CreateCustomChannel(target, grpc::InsecureChannelCredentials(), arguments);
}

grpc::Status Echo(StockClient& client, grpc::ClientContext& context) {
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
  EchoRequest request;
  request.set_text("load");
  std::string reply;
  grpc::Status status = client.Call(context, "/udsrpc.testing.Test/Echo", request.SerializeAsString(), &reply);
  if (!status.ok() || reply == request.SerializeAsString()) return status;
  return {grpc::StatusCode::DATA_LOSS, "another's reply"};
}

// Clients that call without a pause, each on a connection of its own.
class StockLoad {
 public:
  StockLoad(const std::string& target, int clients) {
    for (int i = 0; i < clients; ++i) {
      threads_.emplace_back([this, channel = ConnectStock(target)] {
        StockClient client(channel);
        while (!stop_) {
          grpc::ClientContext context;
          const grpc::Status status = Echo(client, context);
          ++calls_;
          if (status.ok()) continue;
          internal::MutexLock lock(mutex_);
          ++failures_[absl::StrCat(status.error_code(), ": ", status.error_message())];
        }
      });
    }
  }
  ~StockLoad() { Stop(); }

  void Stop() {
    stop_ = true;
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }
  int calls() const { return calls_; }
  std::map<std::string, int> failures() {
    internal::MutexLock lock(mutex_);
    return failures_;
  }

 private:
  std::atomic<bool> stop_{false};
  std::atomic<int> calls_{0};
  internal::Mutex mutex_;
  std::map<std::string, int> failures_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::thread> threads_;
};

class GrpcTakeoverTest : public ::testing::Test {
 protected:
  // `times` as takeover_server wants them.
  std::unique_ptr<ChildProcess> StartServer(const std::string& times) {
    auto server = std::make_unique<ChildProcess>(
        std::vector<std::string>{UDSRPC_TAKEOVER_SERVER, dir_.File("takeover"), times, target_});
    EXPECT_EQ(server->ReadLine(), "ready");
    return server;
  }

  TempDir dir_;
  const std::string target_ = "unix:" + dir_.File("s");
};

TEST_F(GrpcTakeoverTest, ClientsMoveWhenTheirConnectionsAreOfAge) {
  const std::string times = "20000,300";
  auto server = StartServer(times);
  StockLoad load(target_, 3);
  for (int i = 0; i < 4; ++i) {
    auto successor = StartServer(times);
    EXPECT_EQ(server->ReadLine(), "taken over");
    EXPECT_EQ(server->Wait(), 0);
    server = std::move(successor);
  }
  load.Stop();
  int failed = 0;
  std::string what;
  for (const auto& [failure, count] : load.failures()) {
    failed += count;
    absl::StrAppend(&what, count, " x ", failure, "\n");
  }
  // gRPC 1.51 loses a call to "Broken pipe" in about one of 2,400 such moves under load (3 of 7,200).
  EXPECT_LE(failed, 1) << what;
  EXPECT_GT(load.calls(), 100);
  server->CloseInput();
  EXPECT_EQ(server->Wait(), 0);
}

TEST_F(GrpcTakeoverTest, AClientThatStaysIsServedUntilTheDrainIsOver) {
  auto server = StartServer("20000");
  StockClient client(ConnectStock(target_));
  const auto served_by_predecessor = [&client] {
    grpc::ClientContext context;
    const grpc::Status status = Echo(client, context);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return context.GetServerTrailingMetadata().count(kSuccessorKey) == 1;
  };
  EXPECT_FALSE(served_by_predecessor());
  auto successor = StartServer("20000");
  // It is told, and does not understand.
  const absl::Time give_up = absl::Now() + absl::Seconds(20);
  while (!served_by_predecessor() && absl::Now() < give_up) continue;
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(served_by_predecessor());
  server->CloseInput();
  EXPECT_EQ(server->ReadLine(), "taken over");
  EXPECT_EQ(server->Wait(), 0);
  // A call that meets the end of its connection may fail.
  grpc::Status status;
  do {
    grpc::ClientContext context;
    status = Echo(client, context);
  } while (!status.ok() && absl::Now() < give_up);
  EXPECT_FALSE(served_by_predecessor());
  successor->CloseInput();
  EXPECT_EQ(successor->Wait(), 0);
}

}  // namespace
}  // namespace udsrpc::testing
