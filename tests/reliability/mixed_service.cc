#include "tests/reliability/mixed_service.h"

#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "tests/support/event.h"
#include "udsrpc/wait.h"

namespace udsrpc::testing {
namespace {

// So long that a coroutine does wait, and so short that it hardly counts.
constexpr absl::Duration kMoment = absl::Microseconds(100);

bool ByCoroutine(const ServerContext& context) { return context.client_metadata().Get(kByCoroutine).has_value(); }

}  // namespace

// Holds the count of those that run for a handler's length.
class MixedService::Running {
 public:
  Running(MixedService& service, const ServerContext& context) : service_(service), client_(context.peer().pid()) {
    ++service_.running;
    internal::MutexLock lock(service_.mutex_);
    ++service_.running_of_[client_];
  }
  ~Running() {
    internal::MutexLock lock(service_.mutex_);
    if (--service_.running_of_[client_] == 0) service_.running_of_.erase(client_);
    --service_.running;
  }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

 private:
  MixedService& service_;
  const pid_t client_;
};

int MixedService::RunningOf(pid_t client) const {
  internal::MutexLock lock(mutex_);
  const auto found = running_of_.find(client);
  return found == running_of_.end() ? 0 : found->second;
}

absl::Status MixedService::Cancelled() {
  ++cancelled;
  return absl::CancelledError("seen by the handler");
}

absl::Status MixedService::AfterTheLastMessage(const ServerContext& context, uint64_t messages) {
  uint64_t expected;
  const std::optional<absl::string_view> to_come = context.client_metadata().Get(kMessagesToCome);
  if (to_come && absl::SimpleAtoi(*to_come, &expected) && messages == expected) return absl::OkStatus();
  if (context.IsCancelled()) return Cancelled();
  if (to_come && cut_short++ == 0) {
    std::string what =
        absl::StrCat(context.method(), ByCoroutine(context) ? " by a coroutine" : " by a thread", " over ",
                     TransportName(context.peer().transport()), ": ", messages, " of ", *to_come, " messages, ",
                     absl::FormatDuration(context.deadline() - absl::Now()), " before the deadline");
    internal::MutexLock lock(mutex_);
    first_cut_short_ = std::move(what);
  }
  return absl::OkStatus();
}

std::string MixedService::FirstCutShort() const {
  internal::MutexLock lock(mutex_);
  return first_cut_short_;
}

absl::Status MixedService::AwaitCancellation(ServerContext& context) {
  Event told;
  context.AddCancelCallback([&told] { told.Happen(); });
  const absl::Time give_up = absl::Now() + absl::Minutes(5);
  while (!told.Await() && absl::Now() < give_up) continue;
  if (told.times() == 0 || !context.IsCancelled()) ++never_told;
  return Cancelled();
}

absl::Status MixedService::Echo(ServerContext& context, const EchoRequest& request, EchoReply& reply) {
  const Running running(*this, context);
  reply.set_text(request.text());
  for (UniqueFd& file : context.TakeFds()) context.AttachFd(std::move(file));
  return absl::OkStatus();
}

absl::Status MixedService::Fail(ServerContext& context, const FailRequest& request, EchoReply&) {
  const Running running(*this, context);
  absl::Status status(static_cast<absl::StatusCode>(request.code()), request.message());
  for (const Pair& payload : request.payloads()) status.SetPayload(payload.key(), absl::Cord(payload.value()));
  return status;
}

absl::Status MixedService::Look(ServerContext& context, const LookRequest& request, LookReply& reply) {
  const Running running(*this, context);
  for (const Pair& pair : request.initial_metadata()) {
    if (absl::Status status = context.AddInitialMetadata(pair.key(), pair.value()); !status.ok()) return status;
  }
  for (const Pair& pair : request.trailing_metadata()) {
    if (absl::Status status = context.AddTrailingMetadata(pair.key(), pair.value()); !status.ok()) return status;
  }
  for (const auto& [key, value] : context.client_metadata()) {
    Pair& pair = *reply.add_metadata();
    pair.set_key(key);
    pair.set_value(value);
  }
  reply.set_peer_pid(context.peer().pid());
  return absl::OkStatus();
}

absl::Status MixedService::Block(ServerContext& context, const BlockRequest&, EchoReply&) {
  const Running running(*this, context);
  return AwaitCancellation(context);
}

absl::Status MixedService::Throw(ServerContext& context, const EchoRequest& request, EchoReply&) {
  const Running running(*this, context);
  throw std::runtime_error(request.text());
}

absl::Status MixedService::Inflate(ServerContext& context, const InflateRequest& request, EchoReply& reply) {
  const Running running(*this, context);
  reply.set_text(std::string(request.bytes(), 'x'));
  return absl::OkStatus();
}

absl::Status MixedService::Count(ServerContext& context, const InflateRequest& request,
                                 ServerWriter<EchoReply>& writer) {
  const Running running(*this, context);
  EchoReply reply;
  reply.set_text(std::string(request.bytes(), 'x'));
  for (uint64_t i = 0; i < request.messages(); ++i) {
    if (!writer.Write(reply)) return Cancelled();
  }
  return absl::OkStatus();
}

absl::Status MixedService::Collect(ServerContext& context, ServerReader<EchoRequest>& reader, CollectReply& reply) {
  const Running running(*this, context);
  EchoRequest request;
  while (reader.Read(request)) {
    reply.set_messages(reply.messages() + 1);
    reply.set_bytes(reply.bytes() + request.text().size());
  }
  return AfterTheLastMessage(context, reply.messages());
}

absl::Status MixedService::Chat(ServerContext& context, ServerReaderWriter<EchoReply, EchoRequest>& stream) {
  const Running running(*this, context);
  EchoRequest request;
  EchoReply reply;
  uint64_t messages = 0;
  while (stream.Read(request)) {
    ++messages;
    reply.set_text(request.text());
    if (!stream.Write(reply, stream.TakeFds())) return Cancelled();
  }
  return AfterTheLastMessage(context, messages);
}

absl::Status MixedService::Hold(ServerContext& context, ServerReaderWriter<EchoReply, EchoRequest>& stream) {
  const Running running(*this, context);
  EchoReply held;
  held.set_text("held");
  if (!stream.Write(held)) return Cancelled();
  return AwaitCancellation(context);
}

Task<absl::Status> MixedService::EchoAsync(ServerContext& context, const EchoRequest& request, EchoReply& reply) {
  return ByCoroutine(context) ? EchoLater(context, request, reply) : Task<absl::Status>();
}

Task<absl::Status> MixedService::BlockAsync(ServerContext& context, const BlockRequest&, EchoReply&) {
  return ByCoroutine(context) ? BlockLater(context) : Task<absl::Status>();
}

Task<absl::Status> MixedService::CountAsync(ServerContext& context, const InflateRequest& request,
                                            AsyncServerWriter<EchoReply> writer) {
  return ByCoroutine(context) ? CountLater(context, request, std::move(writer)) : Task<absl::Status>();
}

Task<absl::Status> MixedService::CollectAsync(ServerContext& context, AsyncServerReader<EchoRequest> reader,
                                              CollectReply& reply) {
  return ByCoroutine(context) ? CollectLater(context, std::move(reader), reply) : Task<absl::Status>();
}

Task<absl::Status> MixedService::ChatAsync(ServerContext& context,
                                           AsyncServerReaderWriter<EchoReply, EchoRequest> stream) {
  return ByCoroutine(context) ? ChatLater(context, std::move(stream)) : Task<absl::Status>();
}

Task<absl::Status> MixedService::EchoLater(ServerContext& context, const EchoRequest& request, EchoReply& reply) {
  const Running running(*this, context);
  const bool slept = co_await Sleep(kMoment);
  if (!slept) co_return Cancelled();
  reply.set_text(request.text());
  for (UniqueFd& file : context.TakeFds()) context.AttachFd(std::move(file));
  co_return absl::OkStatus();
}

Task<absl::Status> MixedService::BlockLater(ServerContext& context) {
  const Running running(*this, context);
  const bool slept = co_await Sleep(absl::Minutes(5));
  if (slept || !context.IsCancelled()) ++never_told;
  co_return Cancelled();
}

Task<absl::Status> MixedService::CountLater(ServerContext& context, const InflateRequest& request,
                                            AsyncServerWriter<EchoReply> writer) {
  const Running running(*this, context);
  EchoReply reply;
  reply.set_text(std::string(request.bytes(), 'x'));
  for (uint64_t i = 0; i < request.messages(); ++i) {
    const bool written = co_await writer.Write(reply);
    if (!written) co_return Cancelled();
  }
  co_return absl::OkStatus();
}

Task<absl::Status> MixedService::CollectLater(ServerContext& context, AsyncServerReader<EchoRequest> reader,
                                              CollectReply& reply) {
  const Running running(*this, context);
  for (;;) {
    const std::optional<EchoRequest> request = co_await reader.Read();
    if (!request) break;
    reply.set_messages(reply.messages() + 1);
    reply.set_bytes(reply.bytes() + request->text().size());
  }
  co_return AfterTheLastMessage(context, reply.messages());
}

Task<absl::Status> MixedService::ChatLater(ServerContext& context,
                                           AsyncServerReaderWriter<EchoReply, EchoRequest> stream) {
  const Running running(*this, context);
  uint64_t messages = 0;
  EchoReply reply;
  for (;;) {
    const std::optional<EchoRequest> request = co_await stream.Read();
    if (!request) break;
    ++messages;
    reply.set_text(request->text());
    std::vector<UniqueFd> files = stream.TakeFds();
    const bool written = co_await stream.Write(reply, std::move(files));
    if (!written) co_return Cancelled();
  }
  co_return AfterTheLastMessage(context, messages);
}

}  // namespace udsrpc::testing
