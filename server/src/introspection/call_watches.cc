#include "server/src/introspection/call_watches.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/src/stats/tick_clock.h"
#include "common/src/valid_utf8.h"
#include "server/src/introspection/stats_message.h"

namespace udsrpc {
namespace {

// Of what clients have said, that is told of a call.
constexpr size_t kMostTextBytes = 1024;

// What somebody may ask for who watches: it is compared with each call.
constexpr int kMostMethods = 64;
constexpr size_t kMostMethodBytes = 1024;
constexpr int kMostCodes = 32;

// What a message of a call takes beside its bytes.
constexpr size_t kMessageOverhead = 64;

// To watch those who watch would never end.
bool IsOwn(absl::string_view method) { return absl::StartsWith(method, "/udsrpc.v1.Introspection/"); }

v1::MethodKind KindOf(MethodKind kind) {
  switch (kind) {
    case MethodKind::kUnary:
      return v1::METHOD_KIND_UNARY;
    case MethodKind::kServerStreaming:
      return v1::METHOD_KIND_SERVER_STREAMING;
    case MethodKind::kClientStreaming:
      return v1::METHOD_KIND_CLIENT_STREAMING;
    case MethodKind::kBidiStreaming:
      break;
  }
  return v1::METHOD_KIND_BIDI_STREAMING;
}

void SetEnd(absl::string_view method, absl::StatusCode code, absl::string_view message, uint64_t nanoseconds,
            v1::CallEvent& event) {
  event.set_method(ValidUtf8(method, kMostTextBytes));
  event.set_code(static_cast<int>(code));
  event.set_message(ValidUtf8(message, kMostTextBytes));
  const absl::Duration latency = absl::Nanoseconds(static_cast<int64_t>(nanoseconds));
  SetDuration(latency, *event.mutable_latency());
  SetTime(absl::Now() - latency, *event.mutable_start_time());
}

void SetPeer(const Peer& peer, v1::CallEvent& event) {
  event.set_pid(peer.pid());
  event.set_uid(peer.uid());
  event.set_transport(TransportText(peer.transport()));
}

absl::Status CheckWanted(const v1::WatchCallsRequest& wanted) {
  const auto& methods = wanted.methods();
  const bool short_ones = std::all_of(methods.begin(), methods.end(), [](const std::string& beginning) {
    return beginning.size() <= kMostMethodBytes;
  });
  if (methods.size() <= kMostMethods && short_ones && wanted.codes_size() <= kMostCodes) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("WatchCallsRequest: at most ", kMostMethods, " methods of ",
                                                 kMostMethodBytes, " bytes each, and ", kMostCodes,
                                                 " codes; a beginning that methods have in common is one"));
}

}  // namespace

// Keeps the requests of a call for those who want them.
class CallWatches::Recorder final : public ServerInterceptor {
 public:
  Recorder(CallWatches& watches, const MethodDescriptor& method)
      : watches_(watches), method_(method.path), kind_(KindOf(method.kind)) {}

  void OnReceive(const google::protobuf::MessageLite& message) override {
    const size_t bytes = message.ByteSizeLong();
    ++received_.messages;
    received_.bytes += bytes;
    if (truncated_) return;
    if (!watches_.wants_payloads()) return Truncate(/*keep=*/false);
    kept_bytes_ += bytes + kMessageOverhead;
    if (kept_bytes_ > watches_.max_payload_bytes_) return Truncate(/*keep=*/true);
    kept_.Add(message.SerializePartialAsString());
  }
  void OnSend(const google::protobuf::MessageLite& message) override {
    ++sent_.messages;
    sent_.bytes += message.ByteSizeLong();
  }
  void OnFinish(ServerContext& context, const absl::Status& status) override {
    if (!watches_.wants_payloads()) return;
    v1::CallEvent event;
    SetEnd(method_, status.code(), status.message(), TickClock::Nanoseconds(began_, TickClock::Now()), event);
    SetPeer(context.peer(), event);
    event.set_kind(kind_);
    event.set_received_messages(received_.messages);
    event.set_received_bytes(received_.bytes);
    event.set_sent_messages(sent_.messages);
    event.set_sent_bytes(sent_.bytes);
    event.mutable_requests()->Swap(&kept_);
    event.set_requests_truncated(truncated_);
    watches_.Offer(std::move(event), /*payloads=*/true);
  }

 private:
  struct Direction {
    uint64_t messages = 0;
    uint64_t bytes = 0;
  };

  // No more is kept from now on, nor what is kept already unless `keep`.
  void Truncate(bool keep) {
    truncated_ = true;
    if (!keep) google::protobuf::RepeatedPtrField<std::string>().Swap(&kept_);
  }

  CallWatches& watches_;
  const std::string method_;
  const v1::MethodKind kind_;
  const uint64_t began_ = TickClock::Now();
  google::protobuf::RepeatedPtrField<std::string> kept_;
  size_t kept_bytes_ = 0;
  bool truncated_ = false;
  Direction received_;
  Direction sent_;
};

absl::StatusOr<std::shared_ptr<CallWatch>> CallWatches::Add(const v1::WatchCallsRequest& wanted) {
  if (absl::Status status = CheckWanted(wanted); !status.ok()) return status;
  if (wanted.payloads() && max_payload_bytes_ == 0) {
    return absl::FailedPreconditionError(
        "this server shows nobody the contents of calls; its program may, by IntrospectionOptions::max_payload_bytes");
  }
  auto watch = std::make_shared<CallWatch>(wanted, max_waiting_, max_waiting_bytes_);
  internal::MutexLock lock(mutex_);
  if (closed_) return absl::UnavailableError("the server is shutting down");
  if (watches_.size() >= max_watchers_) {
    return absl::ResourceExhaustedError(absl::StrCat(max_watchers_,
                                                     " watch the calls of this server already, its limit ",
                                                     "(IntrospectionOptions::max_watchers); wait for one to end"));
  }
  watches_.push_back(watch);
  CountWatches();
  return watch;
}

void CallWatches::Remove(const std::shared_ptr<CallWatch>& watch) {
  internal::MutexLock lock(mutex_);
  std::erase(watches_, watch);
  CountWatches();
}

void CallWatches::Open() {
  internal::MutexLock lock(mutex_);
  closed_ = false;
}

void CallWatches::Close() {
  internal::MutexLock lock(mutex_);
  closed_ = true;
  for (const std::shared_ptr<CallWatch>& watch : watches_) watch->Close();
}

void CallWatches::CountWatches() {
  const auto payloads =
      std::count_if(watches_.begin(), watches_.end(), [](const auto& one) { return one->payloads(); });
  wants_payloads_.store(payloads > 0, std::memory_order_relaxed);
  monitor_->SetListener(watches_.size() > static_cast<size_t>(payloads) ? this : nullptr);
}

std::unique_ptr<ServerInterceptor> CallWatches::MakeRecorder(const MethodDescriptor& method) {
  if (!wants_payloads() || IsOwn(method.path)) return nullptr;
  return std::make_unique<Recorder>(*this, method);
}

void CallWatches::OnCallEnd(const internal::CallEnd& call) {
  if (IsOwn(call.method)) return;
  v1::CallEvent event;
  SetEnd(call.method, call.code, call.message, call.nanoseconds, event);
  event.set_received_messages(call.received_messages);
  event.set_received_bytes(call.received_bytes);
  event.set_sent_messages(call.sent_messages);
  event.set_sent_bytes(call.sent_bytes);
  if (call.peer != nullptr) SetPeer(*call.peer, event);
  Offer(std::move(event), /*payloads=*/false);
}

void CallWatches::Offer(v1::CallEvent event, bool payloads) {
  const auto call = std::make_shared<const EndedCall>(std::move(event));
  const absl::string_view method = call->event.method();
  const auto code = static_cast<absl::StatusCode>(call->event.code());
  internal::MutexLock lock(mutex_);
  for (const std::shared_ptr<CallWatch>& watch : watches_) {
    if (watch->payloads() == payloads && watch->Wants(method, code)) watch->Offer(call);
  }
}

}  // namespace udsrpc
