// Reads, writes and Finish whose coroutines are destroyed while they wait, as by a library of tasks of the user's own.
// The calls go on, and nobody resumes what is gone.

#include <chrono>
#include <coroutine>
#include <exception>
#include <memory>
#include <optional>
#include <semaphore>
#include <string>
#include <utility>

#include "gtest/gtest.h"
#include "tests/integration/combinations.h"
#include "tests/support/event.h"
#include "udsrpc/async_client.h"
#include "udsrpc/spawn.h"
#include "udsrpc/task.h"

namespace udsrpc::testing {
namespace {

// Begins at once, and is destroyed with its object, wherever it waits. That must not be while another thread resumes
// it, so it waits for what nobody brings about meanwhile.
class Abandonable {
 public:
  struct promise_type {
    // Tells of the end once the coroutine may be destroyed, and then uses nothing of it.
    struct Ending {
      bool await_ready() noexcept { return false; }
      void await_suspend(std::coroutine_handle<promise_type> coroutine) noexcept {
        const std::shared_ptr<std::binary_semaphore> ended = coroutine.promise().ended;
        ended->release();
      }
      void await_resume() noexcept {}
    };

    Abandonable get_return_object() { return Abandonable(std::coroutine_handle<promise_type>::from_promise(*this)); }
    std::suspend_never initial_suspend() noexcept { return {}; }
    Ending final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }

    const std::shared_ptr<std::binary_semaphore> ended = std::make_shared<std::binary_semaphore>(0);
  };

  ~Abandonable() {
    if (coroutine_) coroutine_.destroy();
  }
  Abandonable(Abandonable&& other) noexcept
      : coroutine_(std::exchange(other.coroutine_, nullptr)), ended_(std::move(other.ended_)) {}
  Abandonable& operator=(Abandonable&&) = delete;

  bool waits() const { return !ended_->try_acquire(); }
  // Whether it still does when all that can go on by itself has. Of writes over gRPC, which the library's threads take
  // on one after the other until its buffers are full.
  bool WaitsForGood() const { return !ended_->try_acquire_for(std::chrono::milliseconds(500)); }

 private:
  explicit Abandonable(std::coroutine_handle<promise_type> coroutine)
      : coroutine_(coroutine), ended_(coroutine.promise().ended) {}

  std::coroutine_handle<promise_type> coroutine_;
  std::shared_ptr<std::binary_semaphore> ended_;  // whether, once
};

template <typename Stream>
Abandonable ReadOnce(Stream& stream) {
  static_cast<void>(co_await stream.Read());
}
template <typename Stream, typename Message>
Abandonable WriteOnce(Stream& stream, const Message& message) {
  static_cast<void>(co_await stream.Write(message));
}
template <typename Stream>
Abandonable FinishOnce(Stream& stream) {
  static_cast<void>(co_await stream.Finish());
}

// More than a stream takes on while nobody reads.
template <typename Message>
Message Large() {
  Message message;
  message.set_text(std::string(3'500'000, 'l'));
  return message;
}

template <typename Stream, typename Message>
void WriteAndAbandon(Stream& stream, const Message& large) {
  int written = 0;
  while (!WriteOnce(stream, large).WaitsForGood() && written < 100) ++written;
  EXPECT_LT(written, 100);
}

absl::Status StatusOf(Task<absl::Status> task) {
  absl::Status status = absl::UnknownError("it has not ended");
  Event done;
  Spawn(std::move(task), [&](absl::Status result) {
    status = std::move(result);
    done.Happen();
  });
  EXPECT_TRUE(done.Await());
  return status;
}

class AbandoningService final : public TestService {
 public:
  Event write_abandoned;

 private:
  // A read, and writes on.
  Task<absl::Status> ChatAsync(ServerContext&, AsyncServerReaderWriter<EchoReply, EchoRequest> stream) override {
    EXPECT_TRUE(ReadOnce(stream).waits());
    EchoReply reply;
    reply.set_text("written on");
    EXPECT_TRUE(co_await stream.Write(reply));
    co_return absl::OkStatus();
  }

  // A write, and reads on.
  Task<absl::Status> HoldAsync(ServerContext&, AsyncServerReaderWriter<EchoReply, EchoRequest> stream) override {
    const auto large = Large<EchoReply>();
    WriteAndAbandon(stream, large);
    write_abandoned.Happen();
    const std::optional<EchoRequest> request = co_await stream.Read();
    EXPECT_EQ(request.value_or(EchoRequest()).text(), "read on");
    co_return absl::OkStatus();
  }
};

class AbandonedOperationTest : public CombinationTest {
 protected:
  void StartAbandoning() {
    ServerBuilder builder;
    builder.AddEndpoint(target_, AllTransports()).RegisterService(&abandoning_);
    absl::StatusOr<std::unique_ptr<Server>> server = builder.Start();
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }

  AbandoningService abandoning_;
};

TEST_P(AbandonedOperationTest, AHandlersReadLetsItWrite) {
  StartAbandoning();
  const TestStub stub(MakeChannel());
  ClientContext context;
  context.set_timeout(kPatience);
  auto chat = stub.Chat(context);
  EchoReply reply;
  EXPECT_TRUE(chat.Read(reply));
  EXPECT_EQ(reply.text(), "written on");
  EXPECT_FALSE(chat.Read(reply));
  const absl::Status status = chat.Finish();
  EXPECT_TRUE(status.ok()) << status;
}

TEST_P(AbandonedOperationTest, AHandlersWriteLetsItRead) {
  StartAbandoning();
  const TestStub stub(MakeChannel());
  ClientContext context;
  context.set_timeout(kPatience);
  auto hold = stub.Hold(context);
  EchoRequest request;
  request.set_text("read on");
  EXPECT_TRUE(hold.Write(request));
  EXPECT_TRUE(abandoning_.write_abandoned.Await());  // which reads would let go on
  EchoReply reply;
  int replies = 0;
  for (; hold.Read(reply); ++replies) EXPECT_EQ(reply.text(), Large<EchoReply>().text());
  const absl::Status status = hold.Finish();
  if (GetParam().transport == Transport::kSeqpacket) {
    EXPECT_EQ(status.code(), absl::StatusCode::kInternal) << status;  // what was written is cut
  } else {
    // The library has it, and sends it whole.
    EXPECT_GE(replies, 1);
    EXPECT_TRUE(status.ok()) << status;
  }
}

TEST_P(AbandonedOperationTest, AClientsReadLetsItWriteAndFinish) {
  StartServer();
  const TestStub stub(MakeChannel());
  const absl::Status status = StatusOf([](const TestStub& stub) -> Task<absl::Status> {
    ClientContext context;
    context.set_timeout(kPatience);
    AsyncClientReaderWriter<EchoRequest, EchoReply> chat = stub.Async().Chat(context);
    EXPECT_TRUE(ReadOnce(chat).waits());
    EXPECT_TRUE(co_await chat.WritesDone());
    co_return co_await chat.Finish();
  }(stub));
  EXPECT_TRUE(status.ok()) << status;
  ExpectEcho(stub, "the channel goes on");
}

TEST_P(AbandonedOperationTest, AClientsWriteLetsItReadAndFinish) {
  StartServer();
  const TestStub stub(MakeChannel());
  const absl::Status status = StatusOf([](const TestStub& stub) -> Task<absl::Status> {
    ClientContext context;
    context.set_timeout(kPatience);
    AsyncClientReaderWriter<EchoRequest, EchoReply> hold = stub.Async().Hold(context);
    const std::optional<EchoReply> held = co_await hold.Read();
    EXPECT_TRUE(held.has_value());
    const auto large = Large<EchoRequest>();
    WriteAndAbandon(hold, large);
    context.Cancel();
    co_return co_await hold.Finish();
  }(stub));
  EXPECT_EQ(status.code(), absl::StatusCode::kCancelled) << status;
  ExpectEcho(stub, "the channel goes on");
}

TEST_P(AbandonedOperationTest, AClientsFinishAndItsStreamAreCancelled) {
  StartServer();
  const TestStub stub(MakeChannel());
  {
    ClientContext context;
    context.set_timeout(kPatience);
    AsyncClientReaderWriter<EchoRequest, EchoReply> hold = stub.Async().Hold(context);
    EXPECT_TRUE(service_.AwaitArrivals("gate", 1));
    EXPECT_TRUE(FinishOnce(hold).waits());
  }
  EXPECT_TRUE(service_.AwaitCancelled("gate", 1));
  ExpectEcho(stub, "the channel goes on");
}

INSTANTIATE_TEST_SUITE_P(All, AbandonedOperationTest, AllCombinations(), CombinationName);

}  // namespace
}  // namespace udsrpc::testing
