#include "client/src/seqpacket_stream.h"

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/src/call_errors.h"

namespace udsrpc {

SeqpacketStream::SeqpacketStream(SeqpacketConnector& connector, std::shared_ptr<SeqpacketConnection> connection,
                                 const MethodDescriptor& method, ClientContext& context, Deadline deadline,
                                 size_t max_message_bytes)
    : connector_(connector), connection_(std::move(connection)), call_(method, context, deadline, max_message_bytes) {}

SeqpacketStream::~SeqpacketStream() {
  if (!attached_) return;
  connection_->End(call_, absl::CancelledError(absl::StrCat(call_.path, ": the stream was destroyed")));
  LetGo();
}

void SeqpacketStream::LetGo() {
  connection_->Await(call_, /*or_messages=*/false);
  call_.Detach(call_.context);
  attached_ = false;
  if (connection_->going_away()) connector_.Forget(*connection_);
}

bool SeqpacketStream::Open(const google::protobuf::MessageLite* request) {
  call_.connection = connection_.get();
  call_.Attach(call_.context);
  attached_ = true;
  connection_->Open(call_, request, /*half_close=*/ReadsOneRequest(call_.kind));
  if (connection_->IsUnserved(call_)) return false;
  ActiveCall::ReleaseAttachedFds(call_.context);
  return true;
}

bool SeqpacketStream::Read(google::protobuf::MessageLite& message) {
  read_fds_ = nullptr;
  if (!malformed_.ok() || call_.ended_here.load(std::memory_order_relaxed)) return false;
  switch (reader_.Read(message, [this](ByteQueue& into) { return connection_->Fetch(call_, into); })) {
    case MessageReader::Outcome::kMessage:
      if (reader_.has_fds() && !KeepFds()) return false;
      ActiveCall::Sizes(call_.context).OnReceived(reader_.message_bytes());
      return true;
    case MessageReader::Outcome::kEnd:
      return false;
    case MessageReader::Outcome::kMalformed:
      break;
  }
  malformed_ = MalformedMessageError(call_.path, "a message", message);
  connection_->End(call_, malformed_);
  return false;
}

bool SeqpacketStream::Write(const google::protobuf::MessageLite& message, bool last) {
  return connection_->Write(call_, message, last, std::exchange(next_fds_, nullptr));
}

void SeqpacketStream::AttachFds(std::vector<UniqueFd> fds) {
  next_fds_ = fds.empty() ? nullptr : std::make_shared<const std::vector<UniqueFd>>(std::move(fds));
}

bool SeqpacketStream::KeepFds() {
  internal::IncomingFds fds = connection_->TakeFds(call_);
  if (fds.empty()) return false;
  if (WritesOneResponse(call_.kind)) {
    ActiveCall::ReceiveFds(call_.context, std::move(fds));
  } else {
    read_fds_ = std::make_unique<internal::IncomingFds>(std::move(fds));
  }
  return true;
}

std::vector<UniqueFd> SeqpacketStream::TakeFds() {
  return read_fds_ == nullptr ? std::vector<UniqueFd>() : read_fds_->Take();
}

bool SeqpacketStream::WritesDone() { return connection_->HalfClose(call_); }

void SeqpacketStream::WaitForInitialMetadata() { connection_->AwaitInitialMetadata(call_); }

absl::Status SeqpacketStream::FinishCall() {
  reader_.Clear();
  read_fds_ = nullptr;
  connection_->BeginFinish(call_);
  connection_->DiscardMessages(call_);
  LetGo();
  return malformed_.ok() ? call_.status : malformed_;
}

}  // namespace udsrpc
