// The calls of a MixedCaller that no thread waits for.

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/reliability/mixed_caller.h"
#include "tests/reliability/mixed_service.h"
#include "tests/support/open_files.h"
#include "udsrpc/async_client.h"
#include "udsrpc/spawn.h"
#include "udsrpc/wait.h"
#include "udsrpc/when.h"

namespace udsrpc::testing {
namespace {

Task<> CancelAfter(absl::Duration moment, ClientContext& context) {
  const bool slept = co_await Sleep(moment);
  if (slept) context.Cancel();
}

// Of whoever needs it last.
struct CallByCallback {
  ClientContext context;
  EchoRequest request;
  EchoReply reply;
  CallOutcome outcome;
};

Task<> CancelAfter(absl::Duration moment, std::shared_ptr<CallByCallback> call) {
  const bool slept = co_await Sleep(moment);
  if (slept) call->context.Cancel();
}

}  // namespace

struct MixedCaller::LaterKind {
  const char* name;
  Task<> (MixedCaller::*call)(ClientContext&, CallOutcome&);
  int weight;  // of 100
  bool is_stream = false;
};

const MixedCaller::LaterKind MixedCaller::kLaterKinds[] = {
    {.name = "coroutine: unary", .call = &MixedCaller::UnaryLater, .weight = 45},
    {.name = "coroutine: endless unary", .call = &MixedCaller::BlockLater, .weight = 10},
    {.name = "coroutine: server stream", .call = &MixedCaller::CountLater, .weight = 15, .is_stream = true},
    {.name = "coroutine: client stream", .call = &MixedCaller::CollectLater, .weight = 15, .is_stream = true},
    {.name = "coroutine: bidirectional", .call = &MixedCaller::ChatLater, .weight = 15, .is_stream = true},
};

Task<CallOutcome> MixedCaller::CallLater() {
  const LaterKind* kind = kLaterKinds;
  for (int dice = UpTo(99); dice >= kind->weight; ++kind) dice -= kind->weight;
  ClientContext context;
  CallOutcome outcome;
  outcome.kind = kind->name;
  Settle(context, outcome, kind->is_stream);
  if (kind->call == &MixedCaller::BlockLater && outcome.fate == Fate::kNone) outcome.fate = Fate::kCancelled;
  std::vector<Task<>> tasks;
  if (outcome.fate == Fate::kCancelled) tasks.push_back(CancelAfter(Moment(), context));
  tasks.push_back((this->*kind->call)(context, outcome));
  co_await WhenAll(std::move(tasks));
  co_return outcome;
}

void MixedCaller::CallBack(std::function<void(CallOutcome)> done) {
  const auto call = std::make_shared<CallByCallback>();
  call->outcome.kind = "callback";
  Settle(call->context, call->outcome, /*is_stream=*/false);
  call->request.set_text(Text(Size()));
  if (call->outcome.fate == Fate::kCancelled) Spawn(CancelAfter(Moment(), call));
  stub_.Async().Echo(call->context, call->request, call->reply, [call, done = std::move(done)](absl::Status status) {
    call->outcome.status = std::move(status);
    if (call->outcome.status.ok()) Compare(call->reply.text(), call->request.text(), call->outcome);
    done(std::move(call->outcome));
  });
}

Task<> MixedCaller::UnaryLater(ClientContext& context, CallOutcome& outcome) {
  EchoRequest request;
  request.set_text(Text(Size()));
  std::string texts;
  if (files_ && Chance(0.2)) {
    std::vector<UniqueFd> files = FilesOf(Text(0), 1 + UpTo(1));
    texts = TextOf(files);
    for (UniqueFd& file : files) context.AttachFd(std::move(file));
  }
  const absl::StatusOr<EchoReply> reply = co_await stub_.Async().Echo(context, request);
  outcome.status = reply.status();
  if (!reply.ok()) co_return;
  Compare(reply->text(), request.text(), outcome);
  if (TextOf(context.TakeFds()) != texts) outcome.wrong = "other files";
}

Task<> MixedCaller::BlockLater(ClientContext& context, CallOutcome& outcome) {
  outcome.usual.reset();
  const BlockRequest request;
  const absl::StatusOr<EchoReply> reply = co_await stub_.Async().Block(context, request);
  outcome.status = reply.status();
}

Task<> MixedCaller::CountLater(ClientContext& context, CallOutcome& outcome) {
  InflateRequest request;
  request.set_messages(static_cast<uint64_t>(UpTo(20)));
  request.set_bytes(Size());
  const uint64_t enough = outcome.fate == Fate::kDestroyed ? request.messages() / 2 : request.messages() + 1;
  auto reader = stub_.Async().Count(context, request);
  uint64_t messages = 0;
  while (messages < enough) {
    const std::optional<EchoReply> reply = co_await reader.Read();
    if (!reply) break;
    ++messages;
    Compare(reply->text(), std::string(request.bytes(), 'x'), outcome);
  }
  if (outcome.fate == Fate::kDestroyed) co_return;
  outcome.status = co_await reader.Finish();
  if (outcome.status.ok() && messages != request.messages()) outcome.wrong = absl::StrCat(messages, " messages");
}

Task<> MixedCaller::CollectLater(ClientContext& context, CallOutcome& outcome) {
  const int messages = UpTo(10);
  SayHowMany(messages, context, outcome);
  auto writer = stub_.Async().Collect(context);
  EchoRequest request;
  uint64_t bytes = 0;
  for (int i = 0; i < messages; ++i) {
    if (outcome.fate == Fate::kDestroyed && i == messages / 2) break;
    request.set_text(Text(Size()));
    bytes += request.text().size();
    const bool written = co_await writer.Write(request);
    if (!written) break;
  }
  if (outcome.fate == Fate::kDestroyed) co_return;
  const absl::StatusOr<CollectReply> reply = co_await writer.Finish();
  outcome.status = reply.status();
  if (reply.ok() && (reply->messages() != static_cast<uint64_t>(messages) || reply->bytes() != bytes)) {
    outcome.wrong = absl::StrCat(reply->messages(), " messages of ", reply->bytes(), " bytes were read");
  }
}

Task<> MixedCaller::ChatLater(ClientContext& context, CallOutcome& outcome) {
  const int messages = UpTo(10);
  SayHowMany(messages, context, outcome);
  auto chat = stub_.Async().Chat(context);
  EchoRequest request;
  int answers = 0;
  for (; answers < messages; ++answers) {
    if (outcome.fate == Fate::kDestroyed && answers == messages / 2) break;
    request.set_text(Text(Size()));
    const bool written = co_await chat.Write(request);
    if (!written) break;
    const std::optional<EchoReply> reply = co_await chat.Read();
    if (!reply) break;
    Compare(reply->text(), request.text(), outcome);
  }
  if (outcome.fate == Fate::kDestroyed) co_return;
  co_await chat.WritesDone();
  outcome.status = co_await chat.Finish();
  if (outcome.status.ok() && answers != messages) outcome.wrong = absl::StrCat(answers, " answers");
}

}  // namespace udsrpc::testing
