#include "server/src/seqpacket_connection.h"

#include <sys/socket.h>

#include <algorithm>
#include <string>
#include <utility>

#include "common/src/socket/socket.h"
#include "common/src/stats/tick_clock.h"
#include "common/src/wire/limits.h"
#include "server/src/seqpacket_transport.h"

namespace udsrpc {
namespace {

// What a client has not taken, above which no more calls are read from it, nor run for it, and streams wait, whatever
// credit they have.
constexpr size_t kMaxQueuedBytes = 1 << 20;

// What is read of one connection at most before others have their turn.
constexpr int kPacketsATurn = 16;
// Of the turns in which only one packet had come, one in so many looks for a second.
constexpr unsigned kTurnsALook = 8;

// For a client to say HELLO. Who connects without a name to connect to again (Server::AddConnection) may take longer.
constexpr absl::Duration kHelloPatience = absl::Seconds(10);

}  // namespace

SeqpacketServerConnection::SeqpacketServerConnection(SeqpacketServerTransport& transport, ServingLoop& loop,
                                                     UniqueFd socket, std::shared_ptr<const Caller> caller)
    : transport_(transport),
      loop_(loop),
      caller_(std::move(caller)),
      socket_(std::move(socket)),
      fd_receiver_(FdReceiver::Make(transport.options().max_receive_fds, transport.options().max_untaken_fds,
                                    caller_->user().untaken_fds())),
      sender_(socket_.get()) {}

SeqpacketServerConnection::~SeqpacketServerConnection() = default;

EventLoop& SeqpacketServerConnection::loop() const { return *loop_.loop; }

std::shared_ptr<SeqpacketServerConnection> SeqpacketServerConnection::Self() {
  return std::static_pointer_cast<SeqpacketServerConnection>(shared_from_this());
}

absl::Status SeqpacketServerConnection::Start() {
  EnlargeSendBuffer(socket_.get());
  absl::Status status = loop().Add(socket_.get(), Self());
  if (!status.ok()) {
    Close(status.message());
    return status;
  }
  const Session session(*this);
  last_call_ = Deadline::Clock::now();
  WatchIdleness();
  return status;
}

void SeqpacketServerConnection::OnReadable(Tasks& tasks) {
  const Session session(*this);
  ReadPackets(tasks);
}

bool SeqpacketServerConnection::Poll(Tasks& tasks) {
  const Session session(*this);
  if (closed_ || !watching_readable_) return false;
  return ReadPackets(tasks) || closed_ || read_all_;  // the end is something, too
}

bool SeqpacketServerConnection::ReadPackets(Tasks& tasks) {
  if (!ReadPacket(tasks)) return false;
  // A client with many calls outstanding sends packets in close succession. To look for more costs a system call, so it
  // is done as long as it succeeds, and tried now and then.
  bool look = more_came_ || ++turns_ % kTurnsALook == 0;
  for (int i = 1; look && i < kPacketsATurn && !closed_ && HasRoom(); ++i) {
    look = ReadPacket(tasks);
    more_came_ = look;
  }
  for (std::unique_ptr<EventLoop::Task>& task : to_continue_) tasks.push_back(std::move(task));
  to_continue_.clear();
  return true;
}

bool SeqpacketServerConnection::ReadPacket(Tasks& tasks) {
  if (closed_) return false;
  const PacketBuffer& buffer = loop_.PacketToRead();
  const IoResult received = fd_receiver_ == nullptr ? ReceivePacket(socket_.get(), buffer.data(), wire::kMaxPacketBytes)
                                                    : ReceivePacket(socket_.get(), buffer.data(), wire::kMaxPacketBytes,
                                                                    fd_receiver_->packet());
  switch (received.outcome) {
    case IoOutcome::kWouldBlock:
    case IoOutcome::kNoMemory:
      return false;
    case IoOutcome::kClosed:
    case IoOutcome::kFailed:
      OnEnd();
      return false;
    case IoOutcome::kDone:
      break;
  }
  received_ticks_ = TickClock::Now();
  received_.reset();
  const absl::Status status = received.truncated
                                  ? absl::InvalidArgumentError("a packet is larger than the protocol allows")
                                  : OnPacket(absl::string_view(buffer.data(), received.bytes), buffer, tasks);
  if (!status.ok()) {
    QueueGoaway(wire::GoawayReason::kProtocolError, status.message());
    CloseLocked();
  } else if (!HasRoom()) {
    SendQueued();  // or a turn in which many clients ask for much would hold all of it
  } else if (!sender_.empty()) {
    loop().DeferFlush(*this);
  }
  return true;
}

void SeqpacketServerConnection::OnEnd() {
  // The first end of a draining connection is the one that the server made; the second is the client's.
  if (!reading_shut_ || read_all_) return CloseLocked();
  read_all_ = true;
  MayClose();
  UpdateWatch();
}

void SeqpacketServerConnection::QueueAnswer(const Answer& answer) {
  answer.SerializeMessage(sender_.queue().AppendFrame(answer.frame(), answer.message_bytes(), answer.fds()));
}

void SeqpacketServerConnection::QueueGoaway(wire::GoawayReason reason, absl::string_view why) {
  sender_.queue().AppendFrame(wire::GoawayFrame{.reason = static_cast<uint32_t>(reason)},
                              why.substr(0, wire::kMaxReasonBytes));
}

void SeqpacketServerConnection::OnWritable() {
  const Session session(*this);
  sender_.OnWritable();
  SendQueued();
}

void SeqpacketServerConnection::Flush() {
  const Session session(*this);
  SendQueued();
}

wire::PacketQueue& SeqpacketServerConnection::ControlQueue() {
  return sender_.queue().bytes_taken() == 0 ? sender_.queue() : sender_.control();
}

void SeqpacketServerConnection::QueueConnectionCredit() {
  const uint32_t bytes = receive_credit_.Grant();
  if (bytes > 0) ControlQueue().AppendFrame(wire::CreditFrame{.call = 0, .bytes = bytes});
}

void SeqpacketServerConnection::SendQueued() {
  const IoOutcome outcome = sender_.Flush(mutex_).outcome;
  if (outcome == IoOutcome::kClosed) {
    sender_.Clear();  // reading finds the end, after what the client sent before it
  } else if (outcome == IoOutcome::kFailed) {
    sender_.Clear();
    CloseLocked();  // answers are lost, so the connection is
  }
  if (!CountQueued() && HoldsTooMuch() && !closed_) return GiveUp();
  crowded_.store(!HasRoom(), std::memory_order_relaxed);
  if (sender_.sending()) return;  // the thread that sends does the rest
  MayClose();
  if (closed_) {
    sender_.Clear();
    ShutdownSocket(socket_.get());
  } else {
    UpdateWatch();
    if (outcome == IoOutcome::kNoMemory) SendAgainSoon();
  }
  if (!closed_ && !HasRoom()) return;
  if (!postponed_.empty()) loop().Resume(std::exchange(postponed_, Tasks()));
  if (std::exchange(writer_waits_for_room_, false)) SignalNextWriter();
}

void SeqpacketServerConnection::SendAgainSoon() {
  const Deadline soon = Deadline::After(kSendRetry, Deadline::Clock::now());
  send_timer_ = loop().AddTimer(soon.at(), [self = Self()] { self->OnWritable(); });
}

bool SeqpacketServerConnection::HasRoom() const {
  const size_t most = over_limit_ ? wire::kMaxPacketBytes : kMaxQueuedBytes;
  return sender_.bytes() < most && sender_.queue().fds() <= kMaxQueuedFds;
}

void SeqpacketServerConnection::MayPostpone(std::unique_ptr<EventLoop::Task>& self) {
  if (!crowded_.load(std::memory_order_relaxed)) return;
  const Session session(*this);
  if (closed_ || HasRoom()) return;
  self->Park();
  postponed_.push_back(std::move(self));
}

void SeqpacketServerConnection::UpdateWatch() {
  const bool readable = !read_all_ && HasRoom();
  const bool writable = sender_.waits_for_room();
  if (readable == watching_readable_ && writable == watching_writable_) return;
  watching_readable_ = readable;
  watching_writable_ = writable;
  loop().Watch(socket_.get(), *this, readable, writable);
}

absl::Duration SeqpacketServerConnection::IdleLimit() const {
  const absl::Duration limit = transport_.options().max_connection_idle;
  return greeted_ ? limit : std::min(limit, kHelloPatience);
}

void SeqpacketServerConnection::WatchIdleness() {
  const absl::Duration limit = IdleLimit();
  const bool can_be_made_again = !caller_->peer().endpoint().empty();
  if (limit == absl::InfiniteDuration() || closed_ || !can_be_made_again) return;
  const Deadline deadline = Deadline::After(limit, calls_.empty() ? last_call_ : Deadline::Clock::now());
  if (deadline.never()) return;
  idle_timer_ = loop().AddTimer(deadline.at(), [self = Self()] { self->OnIdleTimer(); });
}

void SeqpacketServerConnection::OnIdleTimer() {
  const Session session(*this);
  const bool idle = calls_.empty() && Deadline::After(IdleLimit(), last_call_).HasPassed(Deadline::Clock::now());
  if (!idle) return WatchIdleness();
  DrainLocked();
}

void SeqpacketServerConnection::Drain() {
  const Session session(*this);
  DrainLocked();
}

void SeqpacketServerConnection::DrainLocked() {
  if (closed_ || draining_) return;
  draining_ = true;
  QueueGoaway(wire::GoawayReason::kShutdown,
              "the server is shutting down, or the connection was idle for long, or without HELLO");
  SendQueued();
}

void SeqpacketServerConnection::MayClose() {
  if (!draining_ || closed_ || !calls_.empty()) return;
  if (!std::exchange(reading_shut_, true)) ShutdownReading(socket_.get());
  if (read_all_ && sender_.empty() && !sender_.sending()) CloseLocked();
}

void SeqpacketServerConnection::Close(absl::string_view why) {
  const Session session(*this);
  if (closed_) return;
  QueueGoaway(wire::GoawayReason::kShutdown, why);
  CloseLocked();
}

void SeqpacketServerConnection::GiveUp() {
  sender_.Clear();
  QueueGoaway(wire::GoawayReason::kProtocolError, "the client does not take its answers");
  CloseLocked();
}

void SeqpacketServerConnection::CloseLocked() {
  if (closed_) return;
  closed_ = true;
  caller_->MarkClosed();
  loop().Remove(socket_.get(), *this);
  loop().RemoveTimer(idle_timer_);
  loop().RemoveTimer(farewell_timer_);
  loop().RemoveTimer(send_timer_);
  for (const auto& [id, call] : calls_) {
    call->flow().ended = true;
    if (!receiving_.contains(id)) CancelCall(*call);
  }
  calls_.clear();
  for (size_t n = receiving_.size(); n > 0; --n) transport_.OnCallEnded();
  receiving_.clear();
  long_requests_.clear();
  if (fd_receiver_ != nullptr) fd_receiver_->packet();  // closes those of a packet that is not read to its end
  SendQueued();
  transport_.OnConnectionClosed(Self());
}

}  // namespace udsrpc
