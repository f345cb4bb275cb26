#include "tests/support/test_service.h"

#include <stdexcept>
#include <string>

#include "absl/time/clock.h"
#include "tests/support/event.h"

namespace udsrpc::testing {
namespace {

// A handler learns of its cancellation by looking.
constexpr absl::Duration kPollInterval = absl::Milliseconds(1);

}  // namespace

absl::Status TestServiceImpl::Echo(ServerContext&, const EchoRequest& request, EchoReply& reply) {
  reply.set_text(request.text());
  internal::MutexLock lock(mutex_);
  ++echoes_;
  return absl::OkStatus();
}

absl::Status TestServiceImpl::Fail(ServerContext&, const FailRequest& request, EchoReply&) {
  absl::Status status(static_cast<absl::StatusCode>(request.code()), request.message());
  for (const Pair& payload : request.payloads()) status.SetPayload(payload.key(), absl::Cord(payload.value()));
  return status;
}

absl::Status TestServiceImpl::Look(ServerContext& context, const LookRequest& request, LookReply& reply) {
  for (const Pair& pair : request.initial_metadata()) {
    if (absl::Status status = context.AddInitialMetadata(pair.key(), pair.value()); !status.ok()) return status;
  }
  for (const Pair& pair : request.trailing_metadata()) {
    if (absl::Status status = context.AddTrailingMetadata(pair.key(), pair.value()); !status.ok()) return status;
  }
  reply.set_method(std::string(context.method()));
  for (const auto& [key, value] : context.client_metadata()) {
    Pair& pair = *reply.add_metadata();
    pair.set_key(key);
    pair.set_value(value);
  }
  reply.set_remaining_us(
      context.deadline() == absl::InfiniteFuture() ? -1 : absl::ToInt64Microseconds(context.deadline() - absl::Now()));
  reply.set_peer_pid(context.peer().pid());
  reply.set_peer_uid(context.peer().uid());
  return absl::OkStatus();
}

absl::Status TestServiceImpl::Block(ServerContext& context, const BlockRequest& request, EchoReply& reply) {
  if (absl::Status status = PassGate(context, request.gate()); !status.ok()) return status;
  reply.set_text(request.gate());
  return absl::OkStatus();
}

absl::Status TestServiceImpl::PassGate(ServerContext& context, const std::string& gate) {
  internal::MutexLock lock(mutex_);
  ++gates_[gate].arrivals;
  changed_.SignalAll();
  const absl::Time give_up = absl::Now() + kPatience;
  while (!gates_[gate].open) {
    if (context.IsCancelled()) {
      ++gates_[gate].cancelled;
      changed_.SignalAll();
      return absl::CancelledError("seen by the handler");
    }
    if (absl::Now() > give_up) return absl::AbortedError("the test never opened the gate");
    changed_.WaitWithTimeout(mutex_, kPollInterval);
  }
  return absl::OkStatus();
}

absl::Status TestServiceImpl::Count(ServerContext&, const InflateRequest& request, ServerWriter<EchoReply>& writer) {
  EchoReply reply;
  reply.set_text(std::string(request.bytes(), 'x'));
  for (uint64_t i = 0; i < request.messages(); ++i) {
    if (!writer.Write(reply)) return absl::CancelledError("seen by the handler");
  }
  internal::MutexLock lock(mutex_);
  ++counted_;
  changed_.SignalAll();
  return absl::OkStatus();
}

absl::Status TestServiceImpl::Collect(ServerContext&, ServerReader<EchoRequest>& reader, CollectReply& reply) {
  EchoRequest request;
  while (reader.Read(request)) {
    reply.set_messages(reply.messages() + 1);
    reply.set_bytes(reply.bytes() + request.text().size());
  }
  return absl::OkStatus();
}

absl::Status TestServiceImpl::Chat(ServerContext&, ServerReaderWriter<EchoReply, EchoRequest>& stream) {
  EchoRequest request;
  EchoReply reply;
  while (stream.Read(request)) {
    if (request.text() == "abort") return absl::AbortedError("as asked");
    reply.set_text(request.text());
    if (!stream.Write(reply)) break;
  }
  return absl::OkStatus();
}

absl::Status TestServiceImpl::Hold(ServerContext& context, ServerReaderWriter<EchoReply, EchoRequest>& stream) {
  std::string gate = "gate";
  for (const auto& [key, value] : context.client_metadata()) {
    if (key == "gate") gate = value;
    if (key == "initial") context.AddInitialMetadata(key, value).IgnoreError();
  }
  EchoReply held;
  held.set_text("held");
  if (!stream.Write(held)) return absl::CancelledError("seen by the handler");
  if (absl::Status status = PassGate(context, gate); !status.ok()) return status;
  return Chat(context, stream);
}

absl::Status TestServiceImpl::Throw(ServerContext&, const EchoRequest& request, EchoReply&) {
  throw std::runtime_error(request.text());
}

absl::Status TestServiceImpl::Inflate(ServerContext&, const InflateRequest& request, EchoReply& reply) {
  reply.set_text(std::string(request.bytes(), 'x'));
  internal::MutexLock lock(mutex_);
  ++gates_["Inflate"].arrivals;
  changed_.SignalAll();
  return absl::OkStatus();
}

bool TestServiceImpl::AwaitArrivals(const std::string& gate, int count) {
  internal::MutexLock lock(mutex_);
  const absl::Time give_up = absl::Now() + kPatience;
  while (gates_[gate].arrivals < count) {
    if (changed_.WaitWithDeadline(mutex_, give_up)) return false;
  }
  return true;
}

int TestServiceImpl::arrivals(const std::string& gate) const {
  internal::MutexLock lock(mutex_);
  const auto found = gates_.find(gate);
  return found == gates_.end() ? 0 : found->second.arrivals;
}

bool TestServiceImpl::AwaitCancelled(const std::string& gate, int count) {
  internal::MutexLock lock(mutex_);
  const absl::Time give_up = absl::Now() + kPatience;
  while (gates_[gate].cancelled < count) {
    if (changed_.WaitWithDeadline(mutex_, give_up)) return false;
  }
  return true;
}

bool TestServiceImpl::AwaitCounted(int count, absl::Duration patience) {
  internal::MutexLock lock(mutex_);
  const absl::Time give_up = absl::Now() + patience;
  while (counted_ < count) {
    if (changed_.WaitWithDeadline(mutex_, give_up)) return false;
  }
  return true;
}

void TestServiceImpl::Open(const std::string& gate) {
  internal::MutexLock lock(mutex_);
  gates_[gate].open = true;
  changed_.SignalAll();
}

int TestServiceImpl::echoes() const {
  internal::MutexLock lock(mutex_);
  return echoes_;
}

}  // namespace udsrpc::testing
