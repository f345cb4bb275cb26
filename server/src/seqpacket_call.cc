#include "server/src/seqpacket_call.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/src/call_errors.h"
#include "server/src/answer.h"
#include "server/src/dispatch.h"
#include "server/src/seqpacket_connection.h"
#include "server/src/seqpacket_transport.h"

namespace udsrpc {

SeqpacketServerCall::SeqpacketServerCall(std::shared_ptr<SeqpacketServerConnection> connection, uint32_t id,
                                         const ServerMethod& method, MethodPace& pace, Deadline deadline,
                                         Metadata metadata, size_t max_message_bytes, User::Share in_flight)
    : connection_(std::move(connection)),
      in_flight_(std::move(in_flight)),
      id_(id),
      method_(method),
      pace_(pace),
      expires_(deadline),
      flow_(max_message_bytes) {
  client_metadata_ = std::move(metadata);
  steady_deadline_ = deadline.at();
}

SeqpacketServerCall::~SeqpacketServerCall() { RemoveTimer(); }

void SeqpacketServerCall::SetRequest(PacketBuffer packet, absl::string_view request, internal::IncomingFds fds) {
  internal::CallFds::Receive(fds_, std::move(fds));
  packet_ = std::move(packet);
  request_ = request;
  has_request_ = true;
}

// Both keep a reference to their call.
class SeqpacketServerCall::Continuation final : public EventLoop::Task {
 public:
  explicit Continuation(SeqpacketServerCall& call) : call_(call) {}
  ~Continuation() override { call_.Unref(); }
  void Run(std::unique_ptr<EventLoop::Task> /*self*/) override { call_.async_stream_->Continue(); }
  bool GoesOn() const override { return true; }

 private:
  SeqpacketServerCall& call_;
};

class SeqpacketServerCall::Canceller final : public EventLoop::Task {
 public:
  explicit Canceller(SeqpacketServerCall& call) : call_(call) {}
  ~Canceller() override { call_.Unref(); }
  void Run(std::unique_ptr<EventLoop::Task> /*self*/) override { call_.cancellation().Cancel(); }
  bool GoesOn() const override { return true; }

 private:
  SeqpacketServerCall& call_;
};

std::unique_ptr<EventLoop::Task> SeqpacketServerCall::MakeContinuation() {
  references_.fetch_add(1, std::memory_order_relaxed);
  return std::make_unique<Continuation>(*this);
}

std::unique_ptr<EventLoop::Task> SeqpacketServerCall::MakeCanceller() {
  references_.fetch_add(1, std::memory_order_relaxed);
  return std::make_unique<Canceller>(*this);
}

void SeqpacketServerCall::Unref() {
  if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
}

void SeqpacketServerCall::Run(std::unique_ptr<EventLoop::Task> self) {
  connection_->MayPostpone(self);
  if (self == nullptr) return;
  self_ = &self;
  if (absl::Status wanted = Wanted(); !wanted.ok()) return Finish(wanted, nullptr);
  // A call that waited for its request is run when that is there, or when it will not come.
  if (ReadsOneRequest(method_.kind()) && !has_request_ && !flow_.inbound.HasWholeMessage() &&
      flow_.inbound.exhausted().ok()) {
    return Finish(absl::InternalError(absl::StrCat(method_.path(), ": the call has no request; such a call sends one")),
                  nullptr);
  }
  Dispatch(connection_->methods(), method_, *this);
}

TurnTaker* SeqpacketServerCall::owner() { return &connection_->caller().turns(); }

void SeqpacketServerCall::Park() {
  if (!packet_) return;
  parked_.assign(request_.data(), request_.size());
  request_ = parked_;
  packet_ = {};
}

bool SeqpacketServerCall::ParseRequest(google::protobuf::MessageLite& request) {
  if (!has_request_) {
    const bool read = ReadMessage(request) == MessageReader::Outcome::kMessage;
    if (read && reader_.has_fds()) {
      internal::IncomingFds fds = connection_->TakeFds(*this);
      if (fds.empty()) return false;  // they were dropped, as the call has ended
      internal::CallFds::Receive(fds_, std::move(fds));
    }
    return read;
  }
  record_.sizes().OnReceived(request_.size());
  const bool parsed = request.ParseFromArray(request_.data(), static_cast<int>(request_.size()));
  request_ = {};
  packet_ = {};
  parked_ = {};
  return parsed;
}

MessageReader::Outcome SeqpacketServerCall::ReadMessage(google::protobuf::MessageLite& message) {
  const MessageReader::Outcome outcome =
      reader_.Read(message, [this](ByteQueue& into) { return connection_->Fetch(*this, into); });
  if (outcome == MessageReader::Outcome::kMessage) record_.sizes().OnReceived(reader_.message_bytes());
  return outcome;
}

bool SeqpacketServerCall::Read(google::protobuf::MessageLite& message) {
  read_fds_ = nullptr;
  if (malformed() || IsCancelled()) return false;
  const MessageReader::Outcome outcome = ReadMessage(message);
  if (outcome == MessageReader::Outcome::kMalformed) MarkMalformed();
  if (outcome != MessageReader::Outcome::kMessage) return false;
  if (!reader_.has_fds()) return true;
  read_fds_ = std::make_unique<internal::IncomingFds>(connection_->TakeFds(*this));
  return !read_fds_->empty();  // else they were dropped, as the call has ended
}

bool SeqpacketServerCall::Write(const google::protobuf::MessageLite& message) {
  return connection_->Write(*this, message, std::exchange(next_fds_, nullptr));
}

void SeqpacketServerCall::AttachFds(std::vector<UniqueFd> fds) {
  next_fds_ = fds.empty() ? nullptr : std::make_shared<const std::vector<UniqueFd>>(std::move(fds));
}

std::vector<UniqueFd> SeqpacketServerCall::TakeFds() {
  return read_fds_ == nullptr ? std::vector<UniqueFd>() : read_fds_->Take();
}

void SeqpacketServerCall::SendInitialMetadata() { connection_->SendInitialMetadata(*this); }

const Peer& SeqpacketServerCall::peer() const { return connection_->peer(); }

void SeqpacketServerCall::AddCancelCallback(Cancellation::Callback callback) {
  ServerContext::AddCancelCallback(std::move(callback));
  CancelAtDeadline();
}

void SeqpacketServerCall::CancelAtDeadline() {
  if (expires_.never() || has_timer_.exchange(true)) return;
  timer_ = connection_->CancelAt(*this, expires_.at());
}

void SeqpacketServerCall::RemoveTimer() {
  if (timer_) connection_->RemoveTimer(*std::exchange(timer_, std::nullopt));
}

std::shared_ptr<AsyncServerStream> SeqpacketServerCall::async_stream() {
  if (async_stream_ == nullptr) async_stream_ = std::make_shared<SeqpacketAsyncServerStream>(*this);
  return async_stream_;
}

void SeqpacketServerCall::Keep(std::unique_ptr<Handling> handling) {
  static_cast<void>(std::exchange(self_, nullptr)->release());
  handling_ = std::move(handling);
  connection_->Keep(*this);
  if (async_stream_ != nullptr) async_stream_->Open();
  CancelAtDeadline();  // no thread waits that would look
}

void SeqpacketServerCall::Finish(const absl::Status& status, const google::protobuf::MessageLite* response) {
  absl::Status result = ResultOf(status);
  if (!result.ok()) response = nullptr;
  if (handling_ != nullptr) return FinishKept(result, response);
  if (async_stream_ != nullptr) async_stream_->Detach();
  RemoveTimer();
  SeqpacketServerTransport& transport = connection_->transport();
  connection_->FinishCall(*this, result, response);
  transport.OnCallEnded();
}

absl::Status SeqpacketServerCall::ResultOf(const absl::Status& status) const {
  if (absl::Status wanted = Wanted(); !wanted.ok()) return wanted;
  if (status.ok() && malformed()) {
    return MalformedMessageError(method_.path(), "a message", method_.request_prototype());
  }
  if (const internal::OutgoingFds fds = attached_fds(); status.ok() && fds != nullptr) {
    return connection_->CheckAttached(*this, *fds);
  }
  return status;
}

void SeqpacketServerCall::FinishKept(const absl::Status& status, const google::protobuf::MessageLite* response) {
  if (async_stream_ != nullptr && !async_stream_->Close() && status.ok()) {
    return EndKept(absl::InternalError(absl::StrCat(
                       method_.path(), ": the handler ended while a message was being written; await every Write")),
                   nullptr);
  }
  if (response == nullptr || Answer::Fits(*response, *this)) return EndKept(status, response);
  async_stream();
  const std::optional<bool> written = async_stream_->WriteResponse(
      *response, attached_fds(), [this](bool written_later) { EndKept(ResponseSent(written_later), nullptr); });
  if (written) EndKept(ResponseSent(*written), nullptr);
}

absl::Status SeqpacketServerCall::ResponseSent(bool sent) const {
  return sent ? absl::OkStatus() : SeqpacketServerConnection::UnsentResponseError(*this);
}

void SeqpacketServerCall::EndKept(const absl::Status& status, const google::protobuf::MessageLite* response) {
  RemoveTimer();
  if (async_stream_ != nullptr) async_stream_->Detach();
  connection_->FinishCall(*this, status, response);
  handling_ = nullptr;
  SeqpacketServerTransport& transport = connection_->transport();
  // A task may have a reference still. Of what it refers to nothing needs the transport.
  transport.OnKeptCallEnded();
  Unref();
}

absl::Status SeqpacketServerCall::Wanted() const {
  // Looked at first: at the deadline the call is cancelled as well.
  if (expires_.HasPassedNow()) {
    return absl::DeadlineExceededError(absl::StrCat(method_.path(), ": the deadline passed on the server"));
  }
  if (cancelled_.load(std::memory_order_acquire)) {
    return absl::CancelledError(absl::StrCat(method_.path(), ": cancelled"));
  }
  return absl::OkStatus();
}

}  // namespace udsrpc
