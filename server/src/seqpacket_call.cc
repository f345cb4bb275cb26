#include "server/src/seqpacket_call.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "server/src/dispatch.h"
#include "server/src/seqpacket_connection.h"

namespace udsrpc {

SeqpacketCall::SeqpacketCall(std::shared_ptr<SeqpacketServerConnection> connection, uint32_t id,
                             const ServerMethod& method, Deadline deadline, Metadata metadata,
                             std::shared_ptr<char[]> packet, absl::string_view request)
    : connection_(std::move(connection)),
      id_(id),
      method_(method),
      expires_(deadline),
      packet_(std::move(packet)),
      request_(request) {
  client_metadata_ = std::move(metadata);
  if (!deadline.never()) deadline_ = absl::Now() + deadline.Remaining(Deadline::Clock::now());
}

SeqpacketCall::~SeqpacketCall() = default;

void SeqpacketCall::Run() {
  if (absl::Status wanted = Wanted(); !wanted.ok()) return Finish(wanted, nullptr);
  Dispatch(method_, *this);
}

void SeqpacketCall::Park() {
  parked_.assign(request_.data(), request_.size());
  request_ = parked_;
  packet_.reset();
}

bool SeqpacketCall::ParseRequest(google::protobuf::MessageLite& request) {
  const bool parsed = request.ParseFromArray(request_.data(), static_cast<int>(request_.size()));
  request_ = {};
  packet_.reset();
  parked_ = {};
  return parsed;
}

void SeqpacketCall::Finish(const absl::Status& status, const google::protobuf::MessageLite* response) {
  const absl::Status wanted = Wanted();
  if (wanted.ok()) {
    connection_->FinishCall(*this, status, response);
  } else {
    connection_->FinishCall(*this, wanted, nullptr);
  }
}

bool SeqpacketCall::IsCancelled() const { return !Wanted().ok(); }

absl::Status SeqpacketCall::Wanted() const {
  if (cancelled_.load(std::memory_order_acquire)) {
    return absl::CancelledError(absl::StrCat(method_.path(), ": cancelled"));
  }
  if (!expires_.never() && expires_.HasPassed(Deadline::Clock::now())) {
    return absl::DeadlineExceededError(absl::StrCat(method_.path(), ": the deadline passed on the server"));
  }
  return absl::OkStatus();
}

}  // namespace udsrpc
