#include "server/src/introspection/call_watches.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/src/stats/tick_clock.h"
#include "server/src/introspection/stats_message.h"

namespace udsrpc {
namespace {

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
  event.set_method(method.data(), method.size());
  event.set_code(static_cast<int>(code));
  event.set_message(message.data(), message.size());
  const absl::Duration latency = absl::Nanoseconds(static_cast<int64_t>(nanoseconds));
  SetDuration(latency, *event.mutable_latency());
  SetTime(absl::Now() - latency, *event.mutable_start_time());
}

void SetPeer(const Peer& peer, v1::CallEvent& event) {
  event.set_pid(peer.pid());
  event.set_uid(peer.uid());
  event.set_transport(TransportText(peer.transport()));
}

}  // namespace

// Keeps the requests of a call for those who want them.
class CallWatches::Recorder final : public ServerInterceptor {
 public:
  Recorder(CallWatches& watches, const MethodDescriptor& method) : watches_(watches), method_(method.path) {
    event_.set_kind(KindOf(method.kind));
  }

  void OnReceive(const google::protobuf::MessageLite& message) override {
    std::string bytes = message.SerializePartialAsString();
    ++received_.messages;
    received_.bytes += bytes.size();
    if (event_.requests_truncated() || received_.bytes > watches_.max_payload_bytes_) {
      event_.set_requests_truncated(true);
    } else {
      event_.add_requests(std::move(bytes));
    }
  }
  void OnSend(const google::protobuf::MessageLite& message) override {
    ++sent_.messages;
    sent_.bytes += message.ByteSizeLong();
  }
  void OnFinish(ServerContext& context, const absl::Status& status) override {
    SetEnd(method_, status.code(), status.message(), TickClock::Nanoseconds(began_, TickClock::Now()), event_);
    SetPeer(context.peer(), event_);
    event_.set_received_messages(received_.messages);
    event_.set_received_bytes(received_.bytes);
    event_.set_sent_messages(sent_.messages);
    event_.set_sent_bytes(sent_.bytes);
    watches_.Offer(event_, /*payloads=*/true);
  }

 private:
  struct Direction {
    uint64_t messages = 0;
    uint64_t bytes = 0;
  };

  CallWatches& watches_;
  const std::string method_;
  const uint64_t began_ = TickClock::Now();
  v1::CallEvent event_;
  Direction received_;
  Direction sent_;
};

absl::StatusOr<std::shared_ptr<CallWatch>> CallWatches::Add(const v1::WatchCallsRequest& wanted) {
  if (wanted.payloads() && max_payload_bytes_ == 0) {
    return absl::FailedPreconditionError(
        "this server shows nobody the contents of calls; its program may, by IntrospectionOptions::max_payload_bytes");
  }
  auto watch = std::make_shared<CallWatch>(wanted, max_waiting_);
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
  if (!wants_payloads_.load(std::memory_order_relaxed) || IsOwn(method.path)) return nullptr;
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
  Offer(event, /*payloads=*/false);
}

void CallWatches::Offer(const v1::CallEvent& call, bool payloads) {
  internal::MutexLock lock(mutex_);
  for (const std::shared_ptr<CallWatch>& watch : watches_) {
    if (watch->payloads() != payloads) continue;
    if (watch->Wants(call.method(), static_cast<absl::StatusCode>(call.code()))) watch->Offer(call);
  }
}

}  // namespace udsrpc
