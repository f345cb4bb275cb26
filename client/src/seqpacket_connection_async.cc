#include <atomic>
#include <climits>
#include <memory>
#include <string>
#include <utility>

#include "client/src/seqpacket_connection.h"
#include "common/src/call_errors.h"
#include "common/src/wire/limits.h"
#include "common/src/wire/metadata_block.h"

// Calls that no thread waits for. What would block does what it can instead, and is tried again when the call's watcher
// has been told that something has changed. The connection's own thread tells, and reads meanwhile for all.

namespace udsrpc {
namespace {

// The connection whose own thread is the calling one, and tells.
thread_local const SeqpacketConnection* telling_connection = nullptr;

}  // namespace

bool SeqpacketConnection::OnOwnThread() const { return telling_connection == this; }

bool SeqpacketConnection::OpenWatched(SeqpacketCall& call, const google::protobuf::MessageLite* request,
                                      bool half_close, bool* request_left) {
  std::string metadata;
  absl::Status status = wire::SerializeMetadata(call.context.metadata(), metadata);
  const bool fits = Fits(call, metadata, request);
  *request_left = !fits;
  const Session session(*this);
  if (!call.watched) {
    StartThread();
    call.watched = true;
    call.needs_thread = true;
    ++watched_calls_;
    ++watchers_;
    WatchDeadline(call);
  }
  lingers_ = true;
  LeaveOpening(call);
  const bool needs_hello = !greeted_ && ActiveCall::AttachedFds(call.context) != nullptr;
  if (status.ok() && (needs_hello || !HasRoomForCall()) && !going_away_ && Expired(call).ok()) {
    if (needs_hello) {
      TellAtHello(call);
    } else {
      call.place_to_open = opening_.insert(opening_.end(), &call);
    }
    return false;
  }
  call.leaves_at_end = fits && call.response != nullptr;
  if (status.ok()) status = StartNow(call, metadata, fits ? request : nullptr, fits && half_close);
  if (status.ok()) {
    FlushSoon();
  } else {
    Finish(call, std::move(status));
  }
  MayOpenNext();
  return true;
}

void SeqpacketConnection::TellWatcher(SeqpacketCall& call) {
  const Session session(*this);
  Tell(call);
}

void SeqpacketConnection::MayOpenNext() {
  if (opening_.empty() || !(HasRoomForCall() || going_away_)) return;
  SeqpacketCall& next = *opening_.front();
  LeaveOpening(next);
  Tell(next);
}

void SeqpacketConnection::LeaveOpening(SeqpacketCall& call) {
  if (call.place_to_open) opening_.erase(*std::exchange(call.place_to_open, std::nullopt));
}

void SeqpacketConnection::WatchDeadline(SeqpacketCall& call) {
  if (call.deadline.never()) return;
  if (deadlines_.Add(call) && !OnOwnThread()) WakeThread();  // it waits for a later one
}

Deadline SeqpacketConnection::NextWatchedDeadline() const {
  return deadlines_.empty() ? Deadline() : deadlines_.first().deadline;
}

void SeqpacketConnection::ExpireWatched() {
  if (deadlines_.empty()) return;
  const Deadline::Clock::time_point now = Deadline::Clock::now();
  while (!deadlines_.empty() && deadlines_.first().deadline.HasPassed(now)) {
    SeqpacketCall& call = deadlines_.first();
    deadlines_.Remove(call);
    CheckOpen(call);
    Tell(call);  // it may wait to be opened
  }
}

void SeqpacketConnection::EndWatch(SeqpacketCall& call) {
  call.watched = false;
  --watched_calls_;
  LeaveOpening(call);
  deadlines_.Remove(call);
}

void SeqpacketConnection::Tell(SeqpacketCall& call) {
  if (call.watcher == nullptr) return;  // it has left
  if (std::exchange(call.to_be_told, true)) return;
  call.place_to_tell = to_tell_.size();
  to_tell_.push_back(&call);
}

void SeqpacketConnection::TellAll() {
  telling_connection = this;
  for (SeqpacketCall* call : to_tell_) {
    if (call == nullptr) continue;  // it is forgotten
    call->to_be_told = false;
    call->place_told = telling_.size();
    CallWatcher* const watcher = call->watcher;
    telling_.push_back(Telling{.call = call, .watcher = watcher, .left = LeavesNow(*call)});
  }
  to_tell_.clear();
  mutex_.Unlock();
  for (Telling& telling : telling_) TellOne(telling);
  mutex_.Lock();
  telling_.clear();
  telling_connection = nullptr;
  if (std::exchange(flush_wanted_, false)) Flush();
}

void SeqpacketConnection::TellOne(Telling& telling) {
  const std::atomic_ref<SeqpacketCall*> place(telling.call);
  SeqpacketCall* const call = place.load();
  told_now_.store(call);
  // Whoever takes it out after this sees that it is being told.
  if (call != nullptr && place.exchange(nullptr) == call) {
    telling.left ? telling.watcher->OnLeft() : telling.watcher->OnChange();
  }
  told_now_.store(nullptr);
  if (waiting_for_told_.load() == 0) return;
  internal::MutexLock lock(mutex_);
  told_.SignalAll();
}

bool SeqpacketConnection::LeavesNow(SeqpacketCall& call) {
  const bool leaves = call.leaves_at_end && call.state == SeqpacketCall::State::kEnded && !call.unserved &&
                      call.inbound.empty() && call.inbound.exhausted().ok();
  if (leaves) DropWatcher(call);
  return leaves;
}

void SeqpacketConnection::FlushSoon() {
  if (!OnOwnThread() || sender_.queue().bytes() >= wire::kMaxPacketBytes) return Flush();
  flush_wanted_ = true;
}

void SeqpacketConnection::Unwatch(SeqpacketCall& call) {
  const Session session(*this);
  ForgetWatcher(call);
  if (OnOwnThread()) return;
  ++waiting_for_told_;
  while (told_now_.load() == &call) told_.Wait(mutex_);
  --waiting_for_told_;
}

void SeqpacketConnection::ForgetWatcher(SeqpacketCall& call) {
  if (std::exchange(call.to_be_told, false)) to_tell_[call.place_to_tell] = nullptr;
  if (call.place_told < telling_.size()) {
    SeqpacketCall* expected = &call;  // which another call may be by now
    std::atomic_ref<SeqpacketCall*>(telling_[call.place_told].call).compare_exchange_strong(expected, nullptr);
  }
  if (call.watched) EndWatch(call);
  LeaveWaitForHello(call);
  DropWatcher(call);
  MayOpenNext();  // it may have been this call's turn
}

void SeqpacketConnection::DropWatcher(SeqpacketCall& call) {
  call.watcher = nullptr;
  if (std::exchange(call.needs_thread, false)) --watchers_;
}

SeqpacketConnection::Look SeqpacketConnection::LookAt(SeqpacketCall& call) {
  const Session session(*this);
  CheckOpen(call);
  return Look{.ended = call.state == SeqpacketCall::State::kEnded,
              .initial_metadata_known = call.initial_metadata_known,
              .has_messages = !call.inbound.empty()};
}

bool SeqpacketConnection::TryFetch(SeqpacketCall& call, ByteQueue& into) {
  const Session session(*this);
  const bool fetched = call.inbound.Take(into);
  if (fetched) call.leaves_at_end = false;
  GiveCredit(call);
  if (!sender_.control().empty()) FlushSoon();
  return fetched;
}

SeqpacketConnection::Sent SeqpacketConnection::TryWrite(SeqpacketCall& call,
                                                        const google::protobuf::MessageLite& message, bool last,
                                                        const internal::OutgoingFds& fds,
                                                        std::unique_ptr<LongMessage>& rest) {
  const size_t size = message.ByteSizeLong();
  if (size > INT_MAX) {
    End(call, UnserializableMessageError(call.path));
    return Sent::kNever;
  }
  const size_t frame_bytes = FragmentCost(size, 0, fds);
  const Session session(*this);
  if (!CheckOpen(call) || call.half_closed) return Sent::kNever;
  if (fds != nullptr && !greeted_) {
    TellAtHello(call);
    return Sent::kWait;
  }
  if (fds != nullptr && !MaySend(call, *fds)) return Sent::kNever;
  const size_t credit = send_credit_.Spend(&call, call.credit, frame_bytes, HasRoom());
  if (credit == 0) {
    writer_waits_for_room_ = writer_waits_for_room_ || !HasRoom();
    return Sent::kWait;
  }
  call.half_closed = last;
  if (credit == frame_bytes) {
    wire::MessageFrame frame{.call = call.id, .half_close = last};
    if (fds != nullptr) frame.fds = static_cast<uint16_t>(fds->size());
    char* body = sender_.queue().AppendFrame(frame, size, fds);
    message.SerializeWithCachedSizesToArray(reinterpret_cast<uint8_t*>(body));
  } else {
    std::string bytes(size, '\0');
    message.SerializeWithCachedSizesToArray(reinterpret_cast<uint8_t*>(bytes.data()));
    rest = std::make_unique<LongMessage>(call.id, std::move(bytes), last, fds);
    sender_.queue().AppendPacket(rest->Next(credit));
  }
  ActiveCall::Sizes(call.context).OnSent(size);
  WakeNextWriter();
  FlushSoon();
  if (rest != nullptr) Tell(call);  // there may be credit for more
  return rest == nullptr ? Sent::kYes : Sent::kWait;
}

SeqpacketConnection::Sent SeqpacketConnection::TryWriteRest(SeqpacketCall& call, LongMessage& rest) {
  const Session session(*this);
  while (!rest.done()) {
    if (!CheckOpen(call)) return Sent::kNever;
    const size_t credit = send_credit_.Spend(&call, call.credit, rest.wanted(), HasRoom());
    if (credit == 0) {
      writer_waits_for_room_ = writer_waits_for_room_ || !HasRoom();
      return Sent::kWait;
    }
    sender_.queue().AppendPacket(rest.Next(credit));
    WakeNextWriter();
    Flush();
  }
  return Sent::kYes;
}

void SeqpacketConnection::GiveUpWriting(SeqpacketCall& call) {
  const Session session(*this);
  send_credit_.Leave(&call);
  WakeNextWriter();
}

bool SeqpacketConnection::TryHalfClose(SeqpacketCall& call) {
  const Session session(*this);
  if (!CheckOpen(call)) return false;
  if (std::exchange(call.half_closed, true)) return true;
  sender_.queue().AppendFrame(wire::HalfCloseFrame{.call = call.id});
  FlushSoon();
  return true;
}

}  // namespace udsrpc
