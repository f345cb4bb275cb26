#include "tools/replay_run.h"

#include <poll.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <thread>

#include "absl/time/clock.h"
#include "google/protobuf/empty.pb.h"
#include "tools/introspection_client.h"
#include "udsrpc/client_context.h"
#include "udsrpc/client_stream.h"
#include "udsrpc/method.h"

namespace udsrpc::tools {
namespace {

// A message of any type: all of its fields are unknown ones, which are sent as they came.
using AnyMessage = google::protobuf::Empty;

MethodKind KindOf(const v1::CallEvent& call) {
  switch (call.kind()) {
    case v1::METHOD_KIND_UNARY:
      return MethodKind::kUnary;
    case v1::METHOD_KIND_SERVER_STREAMING:
      return MethodKind::kServerStreaming;
    case v1::METHOD_KIND_CLIENT_STREAMING:
      return MethodKind::kClientStreaming;
    default:
      return MethodKind::kBidiStreaming;
  }
}

AnyMessage MessageOf(const std::string& bytes) {
  AnyMessage message;
  message.ParseFromString(bytes);  // a handler has parsed it, so it is a message
  return message;
}

absl::Status MakeStream(const v1::CallEvent& call, const MethodDescriptor& method, ClientContext& context,
                        Channel& channel) {
  AnyMessage request;
  const bool one_request = ReadsOneRequest(method.kind);
  if (one_request && call.requests_size() == 1) request = MessageOf(call.requests(0));
  const std::unique_ptr<ClientStream> stream = channel.StreamingCall(method, context, one_request ? &request : nullptr);
  AnyMessage response;
  if (!one_request) {
    // What comes meanwhile is read beside it, so that neither waits for the other.
    std::thread writer([&] {
      for (const std::string& bytes : call.requests()) {
        if (!stream->Write(MessageOf(bytes), /*last=*/false)) break;
      }
      stream->WritesDone();
    });
    while (stream->Read(response)) continue;
    writer.join();
  } else {
    while (stream->Read(response)) continue;
  }
  return stream->Finish();
}

absl::Status Make(const v1::CallEvent& call, absl::Duration timeout, Channel& channel) {
  const MethodDescriptor method{.path = call.method().c_str(), .kind = KindOf(call)};
  ClientContext context;
  context.set_timeout(timeout);
  if (method.kind != MethodKind::kUnary) return MakeStream(call, method, context, channel);
  AnyMessage response;
  return channel.UnaryCall(method, context, MessageOf(call.requests_size() == 0 ? "" : call.requests(0)), response);
}

// False: interrupted before.
bool WaitUntil(absl::Time time, int interrupt_fd) {
  pollfd watched{.fd = interrupt_fd, .events = POLLIN, .revents = 0};
  for (;;) {
    const absl::Duration left = std::max(time - absl::Now(), absl::ZeroDuration());
    const timespec timeout = absl::ToTimespec(left);
    const int ready = ppoll(&watched, 1, &timeout, nullptr);
    if (ready > 0) return false;
    if (ready == 0 && absl::Now() >= time) return true;
  }
}

}  // namespace

std::vector<ReplayedCall> Replay(const std::vector<v1::CallEvent>& calls, const std::shared_ptr<Channel>& channel,
                                 const ReplayOptions& options) {
  std::vector<ReplayedCall> replayed;
  for (const v1::CallEvent& call : calls) {
    if (!call.requests_truncated()) replayed.push_back({.recorded = &call});
  }
  // They were recorded in the order of their ends.
  std::stable_sort(replayed.begin(), replayed.end(), [](const ReplayedCall& one, const ReplayedCall& other) {
    return TimeOf(one.recorded->start_time()) < TimeOf(other.recorded->start_time());
  });
  if (replayed.empty()) return replayed;
  const absl::Time first = TimeOf(replayed.front().recorded->start_time());
  const absl::Time start = absl::Now();
  std::atomic<size_t> next{0};
  const auto work = [&] {
    for (size_t i; (i = next.fetch_add(1)) < replayed.size();) {
      ReplayedCall& call = replayed[i];
      const absl::Duration offset = TimeOf(call.recorded->start_time()) - first;
      const absl::Time due = options.speed > 0 ? start + offset / options.speed : start;
      if (!WaitUntil(due, options.interrupt_fd)) return;
      const absl::Time began = absl::Now();
      call.code = Make(*call.recorded, options.timeout, *channel).code();
      call.latency = absl::Now() - began;
      call.made = true;
    }
  };
  std::vector<std::thread> threads;
  const size_t count = std::min(replayed.size(), static_cast<size_t>(options.callers));
  for (size_t i = 1; i < count; ++i) threads.emplace_back(work);
  work();
  for (std::thread& thread : threads) thread.join();
  return replayed;
}

}  // namespace udsrpc::tools
