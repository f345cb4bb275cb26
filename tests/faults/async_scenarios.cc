// Calls that no thread waits for, and calls that end before they are answered.

#include <memory>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/faults/scenario.h"
#include "tests/support/event.h"
#include "udsrpc/async_client.h"
#include "udsrpc/spawn.h"
#include "udsrpc/task.h"

namespace udsrpc::testing {
namespace {

// What the channel does where a thread is needed and none can be started: see Channel.
absl::Status NoThread(const ScenarioRun& run, const std::system_error& error) {
  EXPECT_TRUE(run.fault().has_value() && run.fault()->call == SystemCall::kThread) << error.what();
  return absl::ResourceExhaustedError("/udsrpc.testing.Test/: no thread");
}

// A unary call with all that must outlive it.
struct AsyncEcho {
  explicit AsyncEcho(const std::string& text) : request(EchoText(text)) { context.set_timeout(kCallBound); }

  void Start(ScenarioRun& run) {
    try {
      run.stub().Async().Echo(context, request, reply, [this](absl::Status result) {
        status = std::move(result);
        done.Happen();
      });
    } catch (const std::system_error& error) {
      status = NoThread(run, error);
      done.Happen();
    }
  }
  void ExpectEnd(ScenarioRun& run) {
    ASSERT_TRUE(done.Await()) << "it has not ended";
    if (run.Expect(status)) {
      EXPECT_EQ(reply.text(), request.text());
    }
  }

  ClientContext context;
  EchoRequest request;
  EchoReply reply;
  absl::Status status;
  Event done;
};

void AsyncUnary(ScenarioRun& run) {
  std::vector<std::unique_ptr<AsyncEcho>> calls;
  for (int i = 0; i < 8; ++i) {
    calls.push_back(std::make_unique<AsyncEcho>(i == 4 ? std::string(200'000, 'x') : absl::StrCat("call ", i)));
    calls.back()->Start(run);
  }
  for (const auto& call : calls) call->ExpectEnd(run);
  for (const auto& call : calls) EXPECT_EQ(call->done.times(), 1);
}

Task<absl::Status> ChatByCoroutine(ScenarioRun& run, ClientContext& context) {
  try {
    AsyncClientReaderWriter<EchoRequest, EchoReply> chat = run.stub().Async().Chat(context);
    for (const int bytes : {10, 1000, 200'000}) {
      const EchoRequest request = EchoText(std::string(bytes, 'x'));
      const bool written = co_await chat.Write(request);
      const std::optional<EchoReply> reply = co_await chat.Read();
      if (!written || !reply.has_value()) break;
      EXPECT_EQ(reply->text(), request.text());
    }
    co_await chat.WritesDone();
    co_return co_await chat.Finish();
  } catch (const std::system_error& error) {
    co_return NoThread(run, error);
  }
}

Task<absl::Status> CountByCoroutine(ScenarioRun& run, ClientContext& context) {
  try {
    InflateRequest request;
    request.set_messages(5);
    request.set_bytes(50'000);
    AsyncClientReader<EchoReply> reader = run.stub().Async().Count(context, request);
    uint64_t read = 0;
    while (const std::optional<EchoReply> reply = co_await reader.Read()) ++read;
    absl::Status status = co_await reader.Finish();
    if (status.ok()) {
      EXPECT_EQ(read, request.messages());
    }
    co_return status;
  } catch (const std::system_error& error) {
    co_return NoThread(run, error);
  }
}

void AsyncStreams(ScenarioRun& run) {
  for (const auto task : {ChatByCoroutine, CountByCoroutine}) {
    ClientContext context;
    context.set_timeout(kCallBound);
    absl::Status status;
    Event done;
    Spawn(task(run, context), [&](absl::Status result) {
      status = std::move(result);
      done.Happen();
    });
    ASSERT_TRUE(done.Await()) << "it has not ended";
    run.Expect(status);
  }
}

// Cancelled by another thread than the one that waits, once its handler runs or it has failed.
void Cancel(ScenarioRun& run) {
  ClientContext context;
  const BlockRequest request;
  EchoReply reply;
  absl::Status status;
  Event done;
  Event begun_or_ended;
  const BlockWatch watch(run.world().service(), begun_or_ended);
  std::thread caller = StartThread([&] {
    status = run.stub().Block(context, request, reply);
    begun_or_ended.Happen();
    done.Happen();
  });
  begun_or_ended.Await();
  context.Cancel();
  EXPECT_TRUE(done.Await()) << "it has not ended";
  caller.join();
  run.Expect(status, absl::StatusCode::kCancelled);
}

// A call that no thread waits for likewise, and beside it a stream.
void AsyncCancel(ScenarioRun& run) {
  AsyncEcho call("");
  ClientContext stream_context;
  ClientReaderWriter<EchoRequest, EchoReply> chat = run.stub().Chat(stream_context);
  const bool written = chat.Write(EchoText("first"));
  const BlockRequest request;
  Event begun_or_ended;
  const BlockWatch watch(run.world().service(), begun_or_ended);
  try {
    run.stub().Async().Block(call.context, request, call.reply, [&](absl::Status result) {
      call.status = std::move(result);
      begun_or_ended.Happen();
      call.done.Happen();
    });
  } catch (const std::system_error& error) {
    call.status = NoThread(run, error);
    begun_or_ended.Happen();
    call.done.Happen();
  }
  begun_or_ended.Await();
  call.context.Cancel();
  EXPECT_TRUE(call.done.Await()) << "it has not ended";
  run.Expect(call.status, absl::StatusCode::kCancelled);
  EchoReply reply;
  if (chat.Read(reply)) {
    EXPECT_TRUE(written);
    EXPECT_EQ(reply.text(), "first");
  }
  stream_context.Cancel();
  run.Expect(chat.Finish(), absl::StatusCode::kCancelled);
}

void DeadlineOfACall(ScenarioRun& run) {
  ClientContext context;
  context.set_timeout(absl::Milliseconds(2));
  const BlockRequest request;
  EchoReply reply;
  run.Expect(run.stub().Block(context, request, reply), absl::StatusCode::kDeadlineExceeded);
}

}  // namespace

std::vector<Scenario> AsyncScenarios() {
  return {{"AsyncUnary", AsyncUnary},
          {"AsyncStreams", AsyncStreams},
          {"Cancel", Cancel},
          {"AsyncCancel", AsyncCancel},
          {"Deadline", DeadlineOfACall},
          {"GrpcAsyncUnary", AsyncUnary, World::OverGrpc()},
          {"GrpcCancel", Cancel, World::OverGrpc()}};
}

}  // namespace udsrpc::testing
