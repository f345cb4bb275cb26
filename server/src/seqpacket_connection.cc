#include "server/src/seqpacket_connection.h"

#include <sys/socket.h>

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/src/deadline.h"
#include "common/src/socket/socket.h"
#include "common/src/status_details.h"
#include "common/src/wire/limits.h"
#include "common/src/wire/metadata_block.h"
#include "server/src/dispatch.h"
#include "server/src/seqpacket_transport.h"

namespace udsrpc {
namespace {

// Calls open at once on one connection. HTTP/2 servers say 100 and more; local clients with callbacks keep thousands.
constexpr uint32_t kMaxCalls = 16384;

// Answers that a client has not taken, above which no more calls are read from it, and above which it is given up:
// calls that were read before may still answer.
constexpr size_t kMaxQueuedBytes = 1 << 20;
constexpr size_t kMaxUntakenBytes = 64 << 20;

// Answers above which it is not worth while to wait for more to share a send with.
constexpr size_t kSendAtOnceBytes = wire::kMaxPacketBytes;

}  // namespace

SeqpacketServerConnection::SeqpacketServerConnection(SeqpacketServerTransport& transport, UniqueFd socket)
    : transport_(transport), socket_(std::move(socket)), sender_(socket_.get()) {}

SeqpacketServerConnection::~SeqpacketServerConnection() = default;

std::shared_ptr<SeqpacketServerConnection> SeqpacketServerConnection::Self() {
  return std::static_pointer_cast<SeqpacketServerConnection>(shared_from_this());
}

void SeqpacketServerConnection::Start() {
  const absl::Status status = transport_.loop().Add(socket_.get(), Self());
  if (!status.ok()) Close(status.message());
}

void SeqpacketServerConnection::OnReadable(std::vector<std::unique_ptr<EventLoop::Task>>& tasks) {
  const std::shared_ptr<char[]> buffer = transport_.packets().Get();
  internal::MutexLock lock(mutex_);
  if (closed_) return;
  const IoResult received = ReceivePacket(socket_.get(), buffer.get(), wire::kMaxPacketBytes);
  switch (received.outcome) {
    case IoOutcome::kWouldBlock:
      return;
    case IoOutcome::kClosed:
    case IoOutcome::kFailed:
      return OnEnd();
    case IoOutcome::kDone:
      break;
  }
  const absl::Status status = received.truncated
                                  ? absl::InvalidArgumentError("a packet is larger than the protocol allows")
                                  : OnPacket(absl::string_view(buffer.get(), received.bytes), buffer, tasks);
  if (!status.ok()) {
    QueueGoaway(wire::GoawayReason::kProtocolError, status.message());
    CloseLocked();
  } else if (!sender_.queue().empty()) {
    transport_.loop().DeferFlush(*this);
  }
}

void SeqpacketServerConnection::OnEnd() {
  // The first end of a draining connection is the one that Drain made; the second is the client's.
  if (!draining_ || read_all_) return CloseLocked();
  read_all_ = true;
  CloseIfDrained();
  UpdateWatch();
}

absl::Status SeqpacketServerConnection::OnPacket(absl::string_view packet, const std::shared_ptr<char[]>& buffer,
                                                 std::vector<std::unique_ptr<EventLoop::Task>>& tasks) {
  for (wire::PacketReader reader(packet); !reader.done();) {
    const absl::StatusOr<wire::RawFrame> frame = reader.Next();
    if (!frame.ok()) return frame.status();
    if (closed_) return absl::OkStatus();
    const auto type = static_cast<wire::FrameType>(frame->header.type);
    if (!greeted_ && type != wire::FrameType::kHello) {
      return absl::InvalidArgumentError(absl::StrCat(frame->header.ToString(), ": it came before HELLO"));
    }
    absl::Status status;
    switch (type) {
      case wire::FrameType::kCall:
        status = OnCall(*frame, buffer, tasks);
        break;
      case wire::FrameType::kCancel:
        status = OnCancel(*frame);
        break;
      case wire::FrameType::kHello:
        status = OnHello(*frame);
        break;
      case wire::FrameType::kPing:
        status = OnPing(*frame);
        break;
      case wire::FrameType::kGoaway:
        // The client will close; until then its calls are answered.
        status = wire::GoawayFrame::Parse(*frame).status();
        break;
      case wire::FrameType::kStatus:
        status = absl::InvalidArgumentError(absl::StrCat(frame->header.ToString(), ": only a server sends it"));
        break;
      default:
        if ((frame->header.type & wire::kIgnorableBit) == 0) {
          status = absl::InvalidArgumentError(absl::StrCat(frame->header.ToString(), ": its type is unknown"));
        }
        break;
    }
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status SeqpacketServerConnection::OnHello(const wire::RawFrame& frame) {
  if (greeted_) return absl::InvalidArgumentError("HELLO: it came twice");
  const absl::StatusOr<wire::HelloFrame> hello = wire::HelloFrame::Parse(frame);
  if (!hello.ok()) return hello.status();
  greeted_ = true;
  client_max_metadata_ = hello->max_metadata;
  const ServerOptions& options = transport_.options();
  sender_.queue().AppendFrame(wire::HelloFrame{.version = wire::kVersion,
                                               .min_version = wire::kVersion,
                                               .features = 0,
                                               .max_calls = kMaxCalls,
                                               .max_metadata = wire::ClampLimit(options.max_metadata_bytes),
                                               .max_message = options.max_receive_message_bytes});
  if (hello->version == wire::kVersion) return absl::OkStatus();
  // The frames behind it are in a version that this server does not read.
  QueueGoaway(wire::GoawayReason::kVersion,
              absl::StrCat("the client speaks version ", hello->version, " and this server ", wire::kVersion));
  CloseLocked();
  return absl::OkStatus();
}

absl::Status SeqpacketServerConnection::OnCall(const wire::RawFrame& frame, const std::shared_ptr<char[]>& buffer,
                                               std::vector<std::unique_ptr<EventLoop::Task>>& tasks) {
  const absl::StatusOr<wire::CallFrame> call = wire::CallFrame::Parse(frame);
  if (!call.ok()) return call.status();
  if (calls_.contains(call->call)) {
    return absl::InvalidArgumentError(absl::StrCat(frame.header.ToString(), ": a call of that number is open"));
  }
  const ServerMethod* method = nullptr;
  absl::Status unknown;
  if (absl::Status status = ResolveMethod(*call, &method, &unknown); !status.ok()) return status;
  Metadata metadata;
  if (absl::Status status = wire::ParseMetadata(call->metadata, metadata); !status.ok()) return status;

  bool refused = false;
  absl::Status admitted = Admit(*call, metadata, &refused);
  if (admitted.ok() && method == nullptr) admitted = unknown;
  if (!admitted.ok()) {
    QueueAnswer(Answer(call->call, admitted, refused));
    return absl::OkStatus();
  }
  const Deadline deadline =
      call->timeout_us ? Deadline::AfterMicroseconds(*call->timeout_us, Deadline::Clock::now()) : Deadline();
  auto task = std::make_unique<SeqpacketCall>(Self(), call->call, *method, deadline, std::move(metadata), buffer,
                                              call->message);
  calls_.emplace(call->call, task.get());
  transport_.OnCallStarted();
  tasks.push_back(std::move(task));
  return absl::OkStatus();
}

absl::Status SeqpacketServerConnection::ResolveMethod(const wire::CallFrame& call, const ServerMethod** method,
                                                      absl::Status* unknown) {
  const MethodTable& table = transport_.methods();
  if (call.path.empty()) {
    if (call.method > methods_.size()) {
      return absl::InvalidArgumentError(absl::StrCat("CALL: method number ", call.method, " was never given a path"));
    }
    const NumberedMethod& numbered = methods_[call.method - 1];
    *method = numbered.method;
    if (numbered.method == nullptr) *unknown = table.NotFound(numbered.unknown_path);
    return absl::OkStatus();
  }
  *method = table.Find(call.path);
  if (*method == nullptr) *unknown = table.NotFound(call.path);
  if (call.method == 0) return absl::OkStatus();
  if (call.method != methods_.size() + 1 || call.method > wire::kMaxMethodNumbers) {
    return absl::InvalidArgumentError(absl::StrCat("CALL: method number ", call.method, " is not the next one, ",
                                                   methods_.size() + 1, ", or over the limit of ",
                                                   wire::kMaxMethodNumbers));
  }
  methods_.push_back(NumberedMethod{.method = *method, .unknown_path = *method ? "" : std::string(call.path)});
  return absl::OkStatus();
}

absl::Status SeqpacketServerConnection::Admit(const wire::CallFrame& call, const Metadata& metadata, bool* refused) {
  const ServerOptions& options = transport_.options();
  if (draining_) {
    *refused = true;
    return absl::UnavailableError("the server is shutting down; call again, on a new connection");
  }
  if (calls_.size() >= kMaxCalls) {
    *refused = true;
    return absl::ResourceExhaustedError(
        absl::StrCat("this connection has ", kMaxCalls, " calls open, the server's limit; wait for some to end"));
  }
  if (metadata.ByteSize() > options.max_metadata_bytes) {
    return absl::ResourceExhaustedError(
        absl::StrCat("the call's metadata of ", metadata.ByteSize(), " bytes is over the server's limit of ",
                     options.max_metadata_bytes, "; send less, or raise ServerOptions::max_metadata_bytes"));
  }
  if (call.message.size() > options.max_receive_message_bytes) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "the request of ", call.message.size(), " bytes is over the server's limit of ",
        options.max_receive_message_bytes, "; send less, or raise ServerOptions::max_receive_message_bytes"));
  }
  if (!call.half_close || !call.has_message) {
    return absl::UnimplementedError("streaming calls are not implemented yet");
  }
  return absl::OkStatus();
}

absl::Status SeqpacketServerConnection::OnCancel(const wire::RawFrame& frame) {
  const absl::StatusOr<wire::CancelFrame> cancel = wire::CancelFrame::Parse(frame);
  if (!cancel.ok()) return cancel.status();
  // One that is not open crossed its STATUS on the way.
  const auto found = calls_.find(cancel->call);
  if (found != calls_.end()) found->second->Cancel();
  return absl::OkStatus();
}

absl::Status SeqpacketServerConnection::OnPing(const wire::RawFrame& frame) {
  absl::StatusOr<wire::PingFrame> ping = wire::PingFrame::Parse(frame);
  if (!ping.ok() || ping->ack) return ping.status();
  ping->ack = true;
  sender_.queue().AppendFrame(*ping);
  return absl::OkStatus();
}

void SeqpacketServerConnection::FinishCall(SeqpacketCall& call, const absl::Status& status,
                                           const google::protobuf::MessageLite* response) {
  const Answer answer(call.id(), status, call, response, client_max_metadata_);
  bool send_at_once = false;
  {
    internal::MutexLock lock(mutex_);
    if (!closed_) {
      calls_.erase(call.id());
      QueueAnswer(answer);
      if (sender_.queue().bytes() > kMaxUntakenBytes) {
        sender_.queue().Clear();
        QueueGoaway(wire::GoawayReason::kProtocolError, "the client does not take its answers");
        CloseLocked();
      }
      send_at_once = sender_.queue().bytes() > kSendAtOnceBytes;
    }
  }
  if (send_at_once || !transport_.loop().DeferFlush(*this)) Flush();
  transport_.OnCallEnded();
}

void SeqpacketServerConnection::QueueAnswer(const Answer& answer) {
  answer.SerializeMessage(sender_.queue().AppendFrame(answer.frame(), answer.message_bytes()));
}

void SeqpacketServerConnection::QueueGoaway(wire::GoawayReason reason, absl::string_view why) {
  sender_.queue().AppendFrame(wire::GoawayFrame{.reason = static_cast<uint32_t>(reason)},
                              why.substr(0, wire::kMaxReasonBytes));
}

void SeqpacketServerConnection::OnWritable() {
  internal::MutexLock lock(mutex_);
  sender_.OnWritable();
  SendQueued();
}

void SeqpacketServerConnection::Flush() {
  internal::MutexLock lock(mutex_);
  SendQueued();
}

void SeqpacketServerConnection::SendQueued() {
  const IoOutcome outcome = sender_.Flush(mutex_);
  if (outcome == IoOutcome::kClosed) {
    sender_.queue().Clear();  // reading finds the end, after what the client sent before it
  } else if (outcome == IoOutcome::kFailed) {
    sender_.queue().Clear();
    CloseLocked();  // answers are lost, so the connection is
  }
  if (sender_.sending()) return;  // the thread that sends does the rest
  CloseIfDrained();
  if (closed_) {
    sender_.queue().Clear();
    ShutdownSocket(socket_.get());
  } else {
    UpdateWatch();
  }
}

void SeqpacketServerConnection::UpdateWatch() {
  const bool readable = !read_all_ && sender_.queue().bytes() < kMaxQueuedBytes;
  if (readable == watching_readable_ && sender_.blocked() == watching_writable_) return;
  watching_readable_ = readable;
  watching_writable_ = sender_.blocked();
  transport_.loop().Watch(socket_.get(), *this, readable, sender_.blocked());
}

void SeqpacketServerConnection::Drain() {
  internal::MutexLock lock(mutex_);
  if (closed_ || draining_) return;
  draining_ = true;
  QueueGoaway(wire::GoawayReason::kShutdown, "the server is shutting down");
  SendQueued();
  ShutdownReading(socket_.get());
}

void SeqpacketServerConnection::CloseIfDrained() {
  if (draining_ && read_all_ && calls_.empty() && sender_.queue().empty() && !sender_.sending() && !closed_)
    CloseLocked();
}

void SeqpacketServerConnection::Close(absl::string_view why) {
  internal::MutexLock lock(mutex_);
  if (closed_) return;
  QueueGoaway(wire::GoawayReason::kShutdown, why);
  CloseLocked();
}

void SeqpacketServerConnection::CloseLocked() {
  if (closed_) return;
  closed_ = true;
  transport_.loop().Remove(socket_.get(), *this);
  for (const auto& [id, call] : calls_) call->Cancel();
  calls_.clear();
  SendQueued();
  transport_.OnConnectionClosed(Self());
}

}  // namespace udsrpc
