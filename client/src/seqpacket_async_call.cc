#include "client/src/seqpacket_async_call.h"

#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/src/call_start.h"

namespace udsrpc {
namespace {

absl::Status NoThreadError(absl::string_view path, const std::system_error& error) {
  return absl::ResourceExhaustedError(
      absl::StrCat(path, ": not called, there is no thread to be had: ", error.what(), "; raise the limit of threads"));
}

}  // namespace

SeqpacketAsyncCall::SeqpacketAsyncCall(const Transport& transport, const MethodDescriptor& method,
                                       ClientContext& context)
    : method_(method), context_(context), transport_(transport) {}

SeqpacketAsyncCall::~SeqpacketAsyncCall() = default;

void SeqpacketAsyncCall::Begin(const google::protobuf::MessageLite* request, bool half_close,
                               google::protobuf::MessageLite* response) {
  internal::MutexLock lock(mutex_);
  request_ = request;
  half_close_ = half_close;
  response_ = response;
  const absl::StatusOr<Deadline> deadline = ReadDeadline(method_, context_);
  if (!deadline.ok()) {
    transport_.starts.Post(*this, deadline.status());
    state_ = State::kConnecting;
    connecting_.Attach(context_);
    return;
  }
  deadline_ = *deadline;
  Connect();
}

void SeqpacketAsyncCall::Connect() {
  const bool rests = ++attempts_ > kMaxCallAttempts;
  std::shared_ptr<SeqpacketConnection> connection = transport_.connector.Current();
  if (connection != nullptr && !rests) return OpenOn(std::move(connection));
  transport_.starts.Add(*this, deadline_, context_.wait_for_ready(), rests ? pause_.Next() : absl::ZeroDuration());
  state_ = State::kConnecting;
  connecting_.Attach(context_);
}

void SeqpacketAsyncCall::OnStart(absl::Status status) {
  mutex_.Lock();
  connecting_.Detach(context_);
  if (abandoned_) return mutex_.Unlock();
  if (status.ok()) status = OnConnected();
  if (status.ok()) return mutex_.Unlock();
  status_ = std::move(status);
  state_ = State::kOver;
  ActiveCall::ReleaseAttachedFds(context_);
  Proceed();
}

absl::Status SeqpacketAsyncCall::OnConnected() {
  std::shared_ptr<SeqpacketConnection> connection = transport_.connector.Current();
  try {
    if (connection == nullptr) {  // it is gone again
      Connect();
    } else {
      OpenOn(std::move(connection));
      connection_->TellWatcher(*call_);  // it goes on from there
    }
  } catch (const std::system_error& error) {
    return NoThreadError(method_.path, error);
  }
  return absl::OkStatus();
}

void SeqpacketAsyncCall::OpenOn(std::shared_ptr<SeqpacketConnection> connection) {
  connection_ = std::move(connection);
  call_.emplace(method_, context_, deadline_, transport_.max_message_bytes);
  call_->connection = connection_.get();
  call_->response = response_;
  call_->watcher = this;
  call_->Attach(context_);
  const State before = std::exchange(state_, State::kOpening);
  try {
    TryOpen();
  } catch (...) {  // there is no thread to be had, and the connection does not know the call
    state_ = before;
    call_->Detach(context_);
    connection_->Unwatch(*call_);  // it may have been cancelled
    throw;
  }
}

void SeqpacketAsyncCall::TryOpen() {
  if (!connection_->OpenWatched(*call_, request_, half_close_, &request_left_)) return;
  state_ = State::kOpen;
  if (request_left_) connection_->TellWatcher(*call_);
}

void SeqpacketAsyncCall::OnChange() {
  mutex_.Lock();
  if (abandoned_) return mutex_.Unlock();
  if (state_ == State::kOpening) TryOpen();
  if (state_ == State::kOpen && WillCallAgain()) {
    CallAgain();
    if (state_ == State::kOver) return Proceed();
    if (state_ == State::kOpen) connection_->TellWatcher(*call_);  // it goes on from there, by another thread
    return mutex_.Unlock();
  }
  if (state_ != State::kOpen) return mutex_.Unlock();
  Proceed();
}

void SeqpacketAsyncCall::OnLeft() {
  mutex_.Lock();
  if (abandoned_) return mutex_.Unlock();
  status_ = std::move(call_->status);
  Depart();
  state_ = State::kOver;
  ActiveCall::ReleaseAttachedFds(context_);
  Proceed();
}

bool SeqpacketAsyncCall::SentRequest() {
  if (rest_ != nullptr) {
    if (connection_->TryWriteRest(*call_, *rest_) == SeqpacketConnection::Sent::kWait) return false;
    rest_.reset();
  }
  if (!request_left_) return true;
  const SeqpacketConnection::Sent sent =
      connection_->TryWrite(*call_, *request_, half_close_, ActiveCall::AttachedFds(context_), rest_);
  request_left_ = sent == SeqpacketConnection::Sent::kWait && rest_ == nullptr;
  return sent != SeqpacketConnection::Sent::kWait;
}

SeqpacketConnection::Sent SeqpacketAsyncCall::TryWrite(const google::protobuf::MessageLite& message, bool last,
                                                       const internal::OutgoingFds& fds) {
  replayable_ = false;
  return connection_->TryWrite(*call_, message, last, fds, rest_);
}

bool SeqpacketAsyncCall::TryHalfClose() {
  replayable_ = false;
  return connection_->TryHalfClose(*call_);
}

std::optional<MessageReader::Outcome> SeqpacketAsyncCall::TryRead(google::protobuf::MessageLite& message) {
  if (!reader_.HasWhole()) connection_->TryFetch(*call_, reader_.bytes());
  if (!reader_.HasWhole()) return std::nullopt;
  read_fds_ = nullptr;
  const MessageReader::Outcome outcome = reader_.Read(message, [](ByteQueue&) { return false; });
  if (outcome == MessageReader::Outcome::kMessage && reader_.has_fds() && !KeepFds()) return std::nullopt;
  return outcome;
}

bool SeqpacketAsyncCall::KeepFds() {
  internal::IncomingFds fds = connection_->TakeFds(*call_);
  if (fds.empty()) return false;
  if (WritesOneResponse(method_.kind)) {
    ActiveCall::ReceiveFds(context_, std::move(fds));
  } else {
    read_fds_ = std::make_unique<internal::IncomingFds>(std::move(fds));
  }
  return true;
}

bool SeqpacketAsyncCall::WillCallAgain() {
  return replayable_ && connection_->IsUnserved(*call_) && (attempts_ < kMaxCallAttempts || context_.wait_for_ready());
}

void SeqpacketAsyncCall::CallAgain() {
  Leave();
  ActiveCall::Restart(context_);
  reader_.Clear();
  try {
    Connect();
  } catch (const std::system_error& error) {  // in the connection's thread
    status_ = NoThreadError(method_.path, error);
    state_ = State::kOver;
    ActiveCall::ReleaseAttachedFds(context_);
  }
}

bool SeqpacketAsyncCall::Over() {
  if (!connection_->OnOwnThread() || !connection_->LookAt(*call_).ended) return false;
  status_ = std::move(call_->status);
  Leave();
  state_ = State::kOver;
  ActiveCall::ReleaseAttachedFds(context_);
  return true;
}

void SeqpacketAsyncCall::Leave() {
  connection_->Unwatch(*call_);
  Depart();
}

void SeqpacketAsyncCall::Depart() {
  call_->Detach(context_);
  if (connection_->going_away()) transport_.connector.Forget(*connection_);
  rest_.reset();
  request_left_ = false;
}

void SeqpacketAsyncCall::Abandon() {
  {
    internal::MutexLock lock(mutex_);
    if (state_ == State::kNew || state_ == State::kOver) return;
    abandoned_ = true;
  }
  transport_.starts.Remove(*this);
  internal::MutexLock lock(mutex_);
  if (state_ == State::kConnecting) connecting_.Detach(context_);
  if (state_ != State::kOpening && state_ != State::kOpen) return;
  connection_->End(*call_, absl::CancelledError(absl::StrCat(method_.path, ": its object was destroyed")));
  if (state_ == State::kOpen) connection_->Await(*call_, /*or_messages=*/false);
  SeqpacketConnection& connection = *connection_;
  SeqpacketCall& call = *call_;
  mutex_.Unlock();  // the watcher takes it
  connection.Unwatch(call);
  mutex_.Lock();
  call_->Detach(context_);
  if (connection_->going_away()) transport_.connector.Forget(*connection_);
}

}  // namespace udsrpc
