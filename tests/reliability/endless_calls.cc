// The calls of a MixedLoad that nothing ends but the death of one side.

#include <memory>
#include <utility>

#include "tests/reliability/mixed_load.h"
#include "tests/reliability/mixed_service.h"
#include "udsrpc/async_client.h"
#include "udsrpc/spawn.h"
#include "udsrpc/when.h"

namespace udsrpc::testing {
namespace {

CallOutcome Endless(const char* kind) { return {.kind = kind, .usual = std::nullopt}; }

Task<> AwaitOne(TestStub stub, CallLog& log, bool by_coroutine) {
  const CallLog::Begun begun = log.Begin();
  ClientContext context;
  if (by_coroutine) context.AddMetadata(kByCoroutine, "1").IgnoreError();
  const BlockRequest request;
  const absl::StatusOr<EchoReply> reply = co_await stub.Async().Block(context, request);
  CallOutcome outcome = Endless("coroutine: awaits an answer");
  outcome.status = reply.status();
  log.End(begun, outcome);
}

}  // namespace

void MixedLoad::AwaitAnswer(TestStub stub, uint64_t /*seed*/) {
  for (absl::Status last; GoOn(last, 1);) {
    const CallLog::Begun begun = log_.Begin();
    ClientContext context;
    EchoReply reply;
    CallOutcome outcome = Endless("awaits an answer");
    outcome.status = stub.Block(context, BlockRequest(), reply);
    log_.End(begun, outcome);
    last = outcome.status;
  }
}

// By callback, and by coroutine, from handlers of both kinds.
void MixedLoad::AwaitAnswers(TestStub stub, uint64_t /*seed*/) {
  for (absl::Status last; GoOn(last, 1);) {
    struct Asked {
      CallLog::Begun begun;
      ClientContext context;
      BlockRequest request;
      EchoReply reply;
    } asked[2];
    Event ended;
    for (Asked& call : asked) {
      call.begun = log_.Begin();
      stub.Async().Block(call.context, call.request, call.reply, [&](absl::Status status) {
        CallOutcome outcome = Endless("callback: awaits an answer");
        outcome.status = std::move(status);
        log_.End(call.begun, outcome);
        ended.Happen();
      });
    }
    std::vector<Task<>> tasks;
    for (const bool by_coroutine : {false, true}) tasks.push_back(AwaitOne(stub, log_, by_coroutine));
    SyncWait(WhenAll(std::move(tasks)));
    while (!ended.Await(2)) continue;
    last = absl::UnavailableError("");
  }
}

// In the midst of a message that is longer than there is credit for.
void MixedLoad::AwaitRoom(TestStub stub, uint64_t /*seed*/) {
  EchoRequest request;
  request.set_text(std::string(3 << 20, 'w'));
  for (absl::Status last; GoOn(last, 1);) {
    const CallLog::Begun begun = log_.Begin();
    ClientContext context;
    auto stream = stub.Hold(context);
    CallOutcome outcome = Endless("awaits room for a message");
    while (stream.Write(request)) continue;
    outcome.status = stream.Finish();
    log_.End(begun, outcome);
    last = outcome.status;
  }
}

// So that it is the server that waits for room.
void MixedLoad::LeaveUnread(TestStub stub, uint64_t /*seed*/) {
  InflateRequest request;
  request.set_messages(100);
  request.set_bytes(300'000);
  for (absl::Status last; GoOn(last, 1);) {
    const CallLog::Begun begun = log_.Begin();
    ClientContext context;
    context.AddMetadata(kByCoroutine, "1").IgnoreError();
    auto stream = stub.Count(context, request);
    EchoReply reply;
    CallOutcome outcome = Endless("leaves messages unread");
    if (stream.Read(reply)) {
      outages_.AwaitBegin();
      while (stream.Read(reply)) continue;
    }
    outcome.status = stream.Finish();
    log_.End(begun, outcome);
    last = outcome.status;
  }
}

void MixedLoad::AwaitMessage(TestStub stub, uint64_t /*seed*/) {
  for (absl::Status last; GoOn(last, 1);) {
    const CallLog::Begun begun = log_.Begin();
    ClientContext context;
    // One more than is sent: its handler has to find that they are not all.
    context.AddMetadata(kMessagesToCome, "3").IgnoreError();
    auto stream = stub.Chat(context);
    EchoRequest request;
    EchoReply reply;
    CallOutcome outcome = Endless("awaits a message");
    for (int i = 0; i < 2 && stream.Write(request) && stream.Read(reply); ++i) continue;
    if (stream.Read(reply)) outcome.wrong = "a message that nobody sent";
    outcome.status = stream.Finish();
    log_.End(begun, outcome);
    last = outcome.status;
  }
}

}  // namespace udsrpc::testing
