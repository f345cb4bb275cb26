#include "server/src/seqpacket_call.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/src/call_errors.h"
#include "server/src/dispatch.h"
#include "server/src/seqpacket_connection.h"

namespace udsrpc {

SeqpacketServerCall::SeqpacketServerCall(std::shared_ptr<SeqpacketServerConnection> connection, uint32_t id,
                                         const ServerMethod& method, Deadline deadline, Metadata metadata,
                                         size_t max_message_bytes)
    : connection_(std::move(connection)), id_(id), method_(method), expires_(deadline), flow_(max_message_bytes) {
  client_metadata_ = std::move(metadata);
  if (!deadline.never()) deadline_ = absl::Now() + deadline.Remaining(Deadline::Clock::now());
}

SeqpacketServerCall::~SeqpacketServerCall() { RemoveTimer(); }

void SeqpacketServerCall::SetRequest(std::shared_ptr<char[]> packet, absl::string_view request) {
  packet_ = std::move(packet);
  request_ = request;
  has_request_ = true;
}

void SeqpacketServerCall::Run() {
  if (absl::Status wanted = Wanted(); !wanted.ok()) return Finish(wanted, nullptr);
  // A call that waited for its request is run when that is there, or when it will not come.
  if (ReadsOneRequest(method_.kind()) && !has_request_ && !flow_.inbound.HasWholeMessage() &&
      flow_.inbound.exhausted().ok()) {
    return Finish(absl::InternalError(absl::StrCat(method_.path(), ": the call has no request; such a call sends one")),
                  nullptr);
  }
  Dispatch(connection_->methods(), method_, *this);
}

void SeqpacketServerCall::MayPostpone(std::unique_ptr<EventLoop::Task>& self) { connection_->MayPostpone(self); }

void SeqpacketServerCall::Park() {
  if (packet_ == nullptr) return;
  parked_.assign(request_.data(), request_.size());
  request_ = parked_;
  packet_.reset();
}

bool SeqpacketServerCall::ParseRequest(google::protobuf::MessageLite& request) {
  if (!has_request_) return ReadMessage(request) == MessageReader::Outcome::kMessage;
  const bool parsed = request.ParseFromArray(request_.data(), static_cast<int>(request_.size()));
  request_ = {};
  packet_.reset();
  parked_ = {};
  return parsed;
}

MessageReader::Outcome SeqpacketServerCall::ReadMessage(google::protobuf::MessageLite& message) {
  return reader_.Read(message, [this](ByteQueue& into) { return connection_->Fetch(*this, into); });
}

bool SeqpacketServerCall::Read(google::protobuf::MessageLite& message) {
  if (malformed_.load(std::memory_order_relaxed) || IsCancelled()) return false;
  const MessageReader::Outcome outcome = ReadMessage(message);
  if (outcome == MessageReader::Outcome::kMalformed) malformed_.store(true, std::memory_order_relaxed);
  return outcome == MessageReader::Outcome::kMessage;
}

bool SeqpacketServerCall::Write(const google::protobuf::MessageLite& message) {
  return connection_->Write(*this, message);
}

void SeqpacketServerCall::SendInitialMetadata() { connection_->SendInitialMetadata(*this); }

void SeqpacketServerCall::AddCancelCallback(Cancellation::Callback callback) {
  ServerContext::AddCancelCallback(std::move(callback));
  CancelAtDeadline();
}

void SeqpacketServerCall::CancelAtDeadline() {
  if (!timer_ && !expires_.never()) timer_ = connection_->CancelAt(*this, expires_.at());
}

void SeqpacketServerCall::RemoveTimer() {
  if (timer_) connection_->RemoveTimer(*std::exchange(timer_, std::nullopt));
}

void SeqpacketServerCall::Finish(const absl::Status& status, const google::protobuf::MessageLite* response) {
  RemoveTimer();
  absl::Status result = Wanted();
  if (result.ok() && status.ok() && malformed_.load(std::memory_order_relaxed)) {
    result = MalformedMessageError(method_.path(), "a message", method_.request_prototype());
  }
  if (result.ok()) {
    connection_->FinishCall(*this, status, response);
  } else {
    connection_->FinishCall(*this, result, nullptr);
  }
}

absl::Status SeqpacketServerCall::Wanted() const {
  // Looked at first: at the deadline the call is cancelled as well.
  if (!expires_.never() && expires_.HasPassed(Deadline::Clock::now())) {
    return absl::DeadlineExceededError(absl::StrCat(method_.path(), ": the deadline passed on the server"));
  }
  if (cancelled_.load(std::memory_order_acquire)) {
    return absl::CancelledError(absl::StrCat(method_.path(), ": cancelled"));
  }
  return absl::OkStatus();
}

}  // namespace udsrpc
