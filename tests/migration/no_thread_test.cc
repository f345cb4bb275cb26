// Asynchronous calls where the process can start no thread.

#include <grpcpp/completion_queue.h>
#include <pthread.h>

#include <cstddef>
#include <memory>
#include <string>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/src/grpc_async_queue.h"
#include "client/src/start_queue.h"
#include "google/protobuf/wrappers.pb.h"
#include "gtest/gtest.h"
#include "tests/support/event.h"
#include "tests/support/temp_dir.h"
#include "udsrpc/channel.h"

namespace udsrpc::testing {
namespace {

// While it lives no thread can be started: none has room for its stack.
class NoThreads {
 public:
  NoThreads() {
    // gRPC has threads of its own, and at its end waits for those, too, that could not be started: so it is not to end.
    static const auto* const library = new grpc::CompletionQueue;
    EXPECT_NE(library, nullptr);
    pthread_attr_t none;
    EXPECT_EQ(pthread_getattr_default_np(&before_), 0);
    EXPECT_EQ(pthread_attr_init(&none), 0);
    EXPECT_EQ(pthread_attr_setstacksize(&none, size_t{1} << 56), 0);  // beyond any address space
    EXPECT_EQ(pthread_setattr_default_np(&none), 0);
    pthread_attr_destroy(&none);
  }
  ~NoThreads() {
    EXPECT_EQ(pthread_setattr_default_np(&before_), 0);
    pthread_attr_destroy(&before_);
  }

 private:
  pthread_attr_t before_;
};

class TestEntry final : public StartQueue::Entry {
 public:
  explicit TestEntry(Event& told) : told_(told) {}

 private:
  void OnStart(absl::Status /*status*/) override { told_.Happen(); }

  Event& told_;
};

TEST(NoThreadTest, StartQueueForgetsTheEntry) {
  StartQueue queue("endpoint", [] { return StartQueue::Attempt(); });
  Event of_dead;
  {
    const NoThreads no_threads;
    auto added = std::make_unique<TestEntry>(of_dead);
    EXPECT_THROW(queue.Add(*added, Deadline(), /*wait_for_ready=*/false), std::system_error);
    auto posted = std::make_unique<TestEntry>(of_dead);
    EXPECT_THROW(queue.Post(*posted, absl::OkStatus()), std::system_error);
  }  // neither is removed, like those of calls whose constructors throw
  Event told;
  TestEntry added(told);
  TestEntry posted(told);
  queue.Add(added, Deadline(), /*wait_for_ready=*/false);
  queue.Post(posted, absl::OkStatus());
  EXPECT_TRUE(told.Await(2));
  EXPECT_EQ(of_dead.times(), 0);
}

TEST(NoThreadTest, AsyncQueueIsThereOnceThereIsAThread) {
  GrpcAsyncQueue queue;
  {
    const NoThreads no_threads;
    EXPECT_THROW(queue.get(), std::system_error);
    EXPECT_THROW(queue.get(), std::system_error);
  }
  EXPECT_NE(queue.get(), nullptr);
}

// By transport.
class NoThreadCallTest : public ::testing::TestWithParam<Transport> {};

TEST_P(NoThreadCallTest, LeavesItsContextAlone) {
  const TempDir dir;
  const std::shared_ptr<Channel> channel =
      CreateChannel(absl::StrCat("unix:", dir.File("s")), {.transport = GetParam()}).value();
  auto no_threads = std::make_unique<NoThreads>();
  ClientContext unary;
  ClientContext streaming;
  google::protobuf::StringValue request;
  google::protobuf::StringValue response;
  const auto call = channel->PrepareUnaryCall({"/a.B/Unary", MethodKind::kUnary}, unary, request, response);
  EXPECT_THROW(call->Start([](absl::Status) { ADD_FAILURE() << "it has not begun"; }), std::system_error);
  EXPECT_THROW(channel->StartStreamingCall({"/a.B/Bidi", MethodKind::kBidiStreaming}, streaming, nullptr),
               std::system_error);
  streaming.Cancel();  // would be handed on to the stream
  unary.Cancel();
  no_threads.reset();
  ClientContext context;
  absl::Status status;
  Event done;
  const auto next = channel->PrepareUnaryCall({"/a.B/Unary", MethodKind::kUnary}, context, request, response);
  next->Start([&](absl::Status result) {
    status = std::move(result);
    done.Happen();
  });
  ASSERT_TRUE(done.Await());
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
}

INSTANTIATE_TEST_SUITE_P(All, NoThreadCallTest, ::testing::Values(Transport::kGrpc, Transport::kSeqpacket),
                         [](const ::testing::TestParamInfo<Transport>& info) {
                           return std::string(info.param == Transport::kGrpc ? "grpc" : "seqpacket");
                         });

}  // namespace
}  // namespace udsrpc::testing
